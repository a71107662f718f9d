def handler(pd: 'pipedream'):
    urls = pd.flow.suspend()
    pd.send.email(
      subject="Please approve this important workflow",
      text=f"Click here to approve the workflow: {urls["resume_url"]}, and cancel here: {urls["cancel_url"]}"
    )
    # The workflow is suspended at the end of the step
