//! Mail to people: a link to confirm an address or to set a new password.

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use secrecy::ExposeSecret;

use crate::settings::Mail;

/// Why a letter was not sent. For the log; the reader is told only that it failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    #[error("the letter cannot be written")]
    Letter(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the mail server did not take the letter")]
    Smtp(#[from] lettre::transport::smtp::Error),
    #[error("mail is configured wrongly")]
    Broken,
}

impl MailError {
    /// What is wrong with this letter for ever; none where the next try may go better, or where it is
    /// not the letter that is refused but whoever sends it (RFC 4954: 530 to 538).
    pub(crate) fn refusal(&self) -> Option<String> {
        match self {
            Self::Letter(why) => Some(why.to_string()),
            Self::Smtp(error) => {
                let code = u16::from(error.status().filter(|_| error.is_permanent())?);
                (!(530..=538).contains(&code)).then(|| said(error))
            }
            Self::Broken => None,
        }
    }
}

/// An error and what is behind it, in a line.
fn said(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", said(source)),
        None => error.to_string(),
    }
}

/// One letter, plain text.
pub(crate) struct Letter<'a> {
    pub(crate) to: &'a domain::Email,
    /// Whom an answer goes to, where that is not the sender.
    pub(crate) reply_to: Option<(&'a domain::Name, &'a domain::Email)>,
    pub(crate) subject: &'a str,
    pub(crate) text: String,
}

/// Where letters are put.
pub(crate) enum Mailer {
    Off,
    Terminal,
    Smtp {
        transport: Box<AsyncSmtpTransport<Tokio1Executor>>,
        from: Box<Mailbox>,
    },
    /// Configured so that it can never work; said at the start and at each letter.
    Broken,
}

impl Mailer {
    pub(crate) fn new(mail: Mail) -> Self {
        match mail {
            Mail::Off => Self::Off,
            Mail::Terminal => Self::Terminal,
            Mail::Smtp { url, from } => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret());
                match (transport, from.parse()) {
                    (Ok(transport), Ok(from)) => Self::Smtp {
                        transport: Box::new(transport.build()),
                        from: Box::new(from),
                    },
                    (Err(_), _) => {
                        tracing::error!(
                            "TOLLGATE_SMTP_URL is not an smtp:// or smtps:// URL; no mail is sent"
                        );
                        Self::Broken
                    }
                    (_, Err(_)) => {
                        tracing::error!("the sender of mail is not an address; no mail is sent");
                        Self::Broken
                    }
                }
            }
        }
    }

    /// Whether people must confirm their address before they sign in.
    pub(crate) const fn confirms(&self) -> bool {
        matches!(self, Self::Smtp { .. } | Self::Broken)
    }

    /// Whether a link can reach anybody at all.
    pub(crate) const fn reaches(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// # Errors
    /// [`MailError`] when the mail server does not take it. Not sent again by itself.
    pub(crate) async fn send(&self, letter: Letter<'_>) -> Result<(), MailError> {
        match self {
            Self::Off => Ok(()),
            Self::Terminal => {
                print_to_terminal(&letter);
                Ok(())
            }
            Self::Broken => Err(MailError::Broken),
            Self::Smtp { transport, from } => {
                let to: Mailbox = letter
                    .to
                    .as_str()
                    .parse()
                    .map_err(|error| MailError::Letter(Box::new(error)))?;
                let mut message = Message::builder().from((**from).clone()).to(to);
                if let Some((name, email)) = letter.reply_to {
                    let address = email
                        .as_str()
                        .parse()
                        .map_err(|error| MailError::Letter(Box::new(error)))?;
                    message = message.reply_to(Mailbox::new(Some(name.to_string()), address));
                }
                let message = message
                    .subject(letter.subject)
                    .header(ContentType::TEXT_PLAIN)
                    .body(letter.text)
                    .map_err(|error| MailError::Letter(Box::new(error)))?;
                transport.send(message).await?;
                Ok(())
            }
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "`tollgate dev` shows its mail in the terminal"
)]
fn print_to_terminal(letter: &Letter<'_>) {
    println!(
        "\n--- mail to {}\n--- {}\n\n{}\n---\n",
        letter.to,
        letter.subject,
        harmless(&letter.text)
    );
}

/// The text without what a terminal would obey or hide: letters hold what strangers wrote.
fn harmless(text: &str) -> String {
    let hidden = |c: char| (c.is_control() && c != '\n') || domain::names::is_invisible(c);
    text.chars()
        .map(|c| if hidden(c) { '\u{FFFD}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_cannot_drive_the_terminal() {
        let shown = harmless("a\u{1b}[2J\u{202e}b\nc\r");
        assert_eq!(shown, "a\u{fffd}[2J\u{fffd}b\nc\u{fffd}");
    }
}
