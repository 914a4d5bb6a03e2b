//! Letters about messages, to the operator.

use store::contact::{self, Message, Which};
use tokio::sync::Mutex;

use crate::{mail::Letter, state::Console};

/// How many letters are sent at once after one message; more are sent after the next.
const LETTERS_MAX: u32 = 20;

/// One delivery at a time, so that no letter of this process is sent twice.
#[derive(Default)]
pub(crate) struct Post(Mutex<()>);

/// Sends what is waiting, beside the answer: the new message, and those whose letters failed before,
/// unless the mail server has refused them too often ([`contact::REFUSALS_MAX`]).
pub(super) fn in_background(console: &Console) {
    let console = console.clone();
    tokio::spawn(async move {
        if let Err(error) = deliver(&console).await {
            tracing::error!(
                error = &*error,
                "a message of the contact form was stored and not mailed; `tollgate contact list` shows it"
            );
        }
    });
}

/// Where nobody is named, or mail is off, the messages stay listed as not mailed.
async fn deliver(console: &Console) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(to) = &console.settings.contact_email else {
        return Ok(());
    };
    if !console.mailer.reaches() {
        return Ok(());
    }
    let mut failed = None;
    let _alone = console.post.0.lock().await;
    for message in contact::list(&console.db, Which::Waiting, LETTERS_MAX).await? {
        let letter = Letter {
            to,
            reply_to: Some((&message.name, &message.email)),
            subject: "A message from the contact form",
            text: text(&message),
        };
        // One that the mail server refuses must not hold up those behind it.
        match console.mailer.send(letter).await {
            Ok(()) => contact::mark_mailed(&console.db, message.id).await?,
            Err(error) => {
                if let Some(said) = error.refusal() {
                    contact::mark_refused(&console.db, message.id, &said).await?;
                }
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn text(message: &Message) -> String {
    let organisation = match &message.organisation {
        Some(organisation) => format!("Organisation: {organisation}\n"),
        None => String::new(),
    };
    format!(
        "Name: {}\nE-mail: {} (not proven)\n{organisation}\n{}\n",
        message.name, message.email, message.message
    )
}
