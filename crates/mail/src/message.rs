//! A letter as RFC 5322 wants it: headers, plain text, and the same as HTML.

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use slipway_domain::mail::Sender;
use slipway_portal::ports::{Mail, MailError};

/// A message with its envelope.
pub struct Written {
    pub from: Address,
    pub to: Address,
    pub bytes: Vec<u8>,
}

/// Writes a mail down.
///
/// # Errors
/// One of the addresses is none that mail can be sent to.
pub fn write(sender: &Sender, mail: &Mail) -> Result<Written, MailError> {
    let from = address(&sender.address).map_err(MailError::SenderRefused)?;
    let to = address(&mail.to).map_err(MailError::RecipientRefused)?;
    let name = Some(line(&sender.name)).filter(|name| !name.is_empty());
    let id = format!("<{}@{}>", hex::encode(rand::random::<[u8; 16]>()), from.domain());
    let letter = &mail.letter;
    let message = Message::builder()
        .from(Mailbox::new(name, from.clone()))
        .to(Mailbox::new(None, to.clone()))
        .subject(line(&letter.subject))
        .date_now()
        .message_id(Some(id))
        // RFC 3834: no program answers it.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            String::from("auto-generated"),
        ))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Content-Language"),
            letter.locale.tag().to_owned(),
        ))
        .multipart(MultiPart::alternative_plain_html(
            letter.text.clone(),
            letter.html.clone(),
        ))
        .map_err(|error| MailError::Refused(error.to_string()))?;
    Ok(Written {
        from,
        to,
        bytes: message.formatted(),
    })
}

fn address(text: &str) -> Result<Address, String> {
    if !text.is_ascii() {
        return Err(format!("{text} has letters beyond ASCII"));
    }
    text.parse().map_err(|error| format!("{}: {error}", line(text)))
}

/// One line: a header ends where a line does.
fn line(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect();
    shown.trim().to_owned()
}
