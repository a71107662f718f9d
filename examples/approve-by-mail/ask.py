def handler(pd: 'pipedream'):
    urls = pd.flow.suspend()
    pd.send.email(
      subject="Please approve this important workflow",
      # A page with both buttons. The other two links act when they are opened, and mail scanners open links.
      text=f"Click here to approve the workflow, or to cancel it: {urls["approval_url"]}"
    )
    # The workflow is suspended at the end of the step
