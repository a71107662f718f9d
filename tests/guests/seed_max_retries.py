def handler(pd: 'pipedream'):
    MAX_RETRIES = 3
    run = pd.context['run']
    if run['runs'] == 1:
        pd.flow.rerun(1000, None, MAX_RETRIES)
    elif (run['runs'] == MAX_RETRIES + 1):
        raise Exception("Max retries exceeded")
