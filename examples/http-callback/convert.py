import requests
def handler(pd: 'pipedream'):
  TIMEOUT = 86400 * 1000
  run = pd.context['run']
  # When the external service calls back into the resume_url, you have access to
  # the callback data within pd.context.run['callback_request']
  if run['callback_request']:
    return run['callback_request']['body']
  # pd.context['run']['runs'] starts at 1 and increments when the step is rerun
  elif run['runs'] == 1:
    links = pd.flow.rerun(TIMEOUT, None, 1)
    # links contains a dictionary with the entries resume_url and cancel_url
    # Send them to the external service
    requests.post(f"{pd.props['service']}/convert", json={"text": pd.props['text'], **links})
  else:
    raise Exception("External service never completed job")
