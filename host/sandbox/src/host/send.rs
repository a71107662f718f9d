//! `send`: deliveries that the host makes.

use waystation_core::Mail;

use crate::bindings::waystation::step::send::{Error, Host, Mail as WitMail};
use crate::guest::Guest;

impl Host for Guest {
    fn email(&mut self, mail: WitMail) -> Result<(), Error> {
        if !self.may.email {
            return Err(Error::NotAllowed(
                "this step may not send mail: add `email: true` to its `allow` in the workflow"
                    .into(),
            ));
        }
        let mail = Mail { to: mail.to, subject: mail.subject, text: mail.text, html: mail.html };
        mail.check(self.may.limits.payload_bytes_max)
            .map_err(|error| Error::InvalidArgument(error.to_string()))?;
        if mail.to.is_empty() && !self.may.mail_owner {
            return Err(Error::Unavailable(
                "to: empty, and the host has no owner's address: set `owner` under `[email]`"
                    .into(),
            ));
        }
        let max = self.may.limits.mails_max;
        if self.asked.mails.len() >= max {
            return Err(Error::NotAllowed(format!(
                "one mail too many; at most {max} a run are allowed"
            )));
        }
        let bytes = self.asked.bytes_without(None) + mail.bytes();
        let max = self.may.limits.asked_bytes_max;
        if bytes > max {
            return Err(Error::NotAllowed(format!(
                "with this mail, the run's exports and mails have {bytes} bytes; at most {max} \
                 are allowed"
            )));
        }
        let all = self.may.limits.execution_mails;
        if self.asked.mails.len() >= all.left().unwrap_or(0) {
            return Err(Error::NotAllowed(format!(
                "one mail too many; at most {} an execution are allowed, over all its runs",
                all.max
            )));
        }
        self.asked.mails.push(mail);
        Ok(())
    }
}
