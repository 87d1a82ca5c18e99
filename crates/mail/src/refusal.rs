//! What an error of the client means, by the step at which it came.

use lettre::transport::smtp::Error;
use slipway_portal::ports::MailError;
use std::error::Error as StdError;
use std::io;

/// The most that is told of what a server said, in characters.
const WORDS_MAX: usize = 200;

/// How far a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The server greets.
    Greet,
    /// The connection is protected, and the server greets over it.
    Protect,
    /// Slipway signs in.
    Login,
    /// It says who sends.
    Sender,
    /// It says to whom.
    Recipient,
    /// It asks to hand the content over.
    Content,
    /// The content is handed over.
    Confirm,
}

/// What an error at `step` means.
pub fn translate(error: &Error, step: Step) -> MailError {
    if let Some(code) = error.status() {
        let words = match error.source() {
            Some(said) => words(&format!("{code} {said}")),
            None => code.to_string(),
        };
        let code = code.to_string();
        if error.is_transient() {
            return MailError::Later(words);
        }
        return match step {
            // 530, 538: sign in first.
            _ if code == "530" || code == "538" => MailError::BadLogin(words),
            Step::Login => MailError::BadLogin(words),
            Step::Sender => MailError::SenderRefused(words),
            Step::Recipient => MailError::RecipientRefused(words),
            Step::Protect => MailError::Tls(words),
            Step::Greet | Step::Content | Step::Confirm => MailError::Refused(words),
        };
    }
    let told = match words(&innermost(error)) {
        // The client's words for an end before an answer.
        cut if cut == "incomplete response" => {
            let closed = String::from("the connection was closed");
            return match step {
                Step::Confirm => MailError::Unconfirmed(closed),
                _ => MailError::Unreachable(closed),
            };
        }
        told => told,
    };
    if step == Step::Confirm {
        return MailError::Unconfirmed(told);
    }
    if is_of_tls(error) {
        return MailError::Tls(told);
    }
    match io_kind(error) {
        Some(io::ErrorKind::TimedOut) => MailError::TimedOut,
        // A handshake that the other side does not understand ends this way as well.
        Some(io::ErrorKind::UnexpectedEof) if step == Step::Protect => MailError::Tls(told),
        Some(io::ErrorKind::InvalidData) => MailError::Broken(told),
        Some(_) => MailError::Unreachable(told),
        None if step == Step::Protect && !error.is_response() => MailError::Tls(told),
        None => MailError::Broken(told),
    }
}

/// What lies at the bottom of an error.
fn innermost(error: &Error) -> String {
    let mut deepest: &dyn StdError = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// The kind of the error of the connection, if it was one.
fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    causes(error)
        .find_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}

/// Whether TLS said no: it does so inside of an error of the connection.
fn is_of_tls(error: &Error) -> bool {
    error.is_tls()
        || causes(error).any(|cause| {
            let inner = cause
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
                .is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>);
            inner || cause.is::<rustls::Error>()
        })
}

/// What a server said, on one line and no longer than people read.
fn words(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WORDS_MAX)
        .collect();
    line.trim().to_owned()
}
