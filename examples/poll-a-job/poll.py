import requests
def handler(pd: 'pipedream'):
  MAX_RETRIES = 3
  # 10 seconds, unless the workflow says otherwise
  DELAY = pd.props.get('delay') or 1000 * 10
  run = pd.context['run']
  print(pd.context)
  # pd.context.run.runs starts at 1 and increments when the step is rerun
  if run['runs'] == 1:
    # pd.flow.rerun(delay, context, max retries)
    pd.flow.rerun(DELAY, None, MAX_RETRIES)

  elif run['runs'] == MAX_RETRIES + 1:
    raise Exception("Max retries exceeded")

  else:
    # Poll external API for status
    response = requests.get(f"{pd.props['service']}/status")
    # If we're done, continue with the rest of the workflow
    if response.json().status == "DONE":
      return response.json()
    # Else retry later
    pd.flow.rerun(DELAY, None, MAX_RETRIES)
