import requests
def handler(pd: 'pipedream'):
  TIMEOUT = 86400 * 1000
  run = pd.context['run']
  # When the external service calls back into the resume_url, you have access to 
  # the callback data within pd.context.run['callback_request']
  if run['callback_request']:
    return run['callback_request']
  # pd.context['run']['runs'] starts at 1 and increments when the step is rerun
  elif run['runs'] == 1:
    links = pd.flow.rerun(TIMEOUT, None, 1)
    # links contains a dictionary with two entries: resume_url and cancel_url
    # Send resume_url to external service
    requests.post(pd.props['url'], json=links)
  elif run['runs'] == 2:
    raise Exception("External service never completed job")
