//! Webhooks that are sent: how they stand, and when they are tried again (Standard Webhooks).

use crate::id::{MessageId, SubscriberId};
use crate::project::Place;
use crate::subscriber::EventKind;
use crate::text::Text;
use crate::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};
use serde::{Deserialize, Serialize};

/// The pauses after each failed try, in µs. After the last one there is no further try.
pub const PAUSES: [i64; 9] = [
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

/// How long deliveries are kept, in µs.
pub const KEPT: i64 = 30 * DAY;

/// How much of an answer is kept, in bytes.
pub const ANSWER_MAX: usize = 4096;

/// How many deliveries stand on a page.
pub const PAGE: i64 = 30;

/// The most jitter.
pub const JITTER: i64 = 1000;

/// When to try again after the `failed`th failure in a row (from 1); `None`: no more. `jitter`, from 0
/// to [`JITTER`], adds up to a tenth of the pause, so that what failed together is not tried together. `retry_after`, in s, is what the receiver
/// asked for: it makes the pause longer, never shorter, and is believed up to a day.
pub fn next_try(now: Timestamp, failed: i64, jitter: i64, retry_after: Option<i64>) -> Option<Timestamp> {
    let index = usize::try_from(failed.checked_sub(1)?).ok()?;
    let pause = *PAUSES.get(index)?;
    let jittered = pause + pause / (10 * JITTER) * jitter.clamp(0, JITTER);
    let asked = retry_after.unwrap_or(0).clamp(0, DAY / SECOND) * SECOND;
    Some(now.plus(jittered.max(asked)))
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It will be tried.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// No try succeeded, and none follows.
    Failed,
    /// Its subscriber was switched off before.
    Cancelled,
}

impl MessageState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Failed, Self::Cancelled];

    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }
}

/// A delivery in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Which: the `webhook-id` of every try.
    pub id: MessageId,
    /// Whom it is for.
    pub subscriber: SubscriberId,
    /// What it tells.
    pub kind: EventKind,
    /// How it stands.
    pub state: MessageState,
    /// When what it tells happened.
    pub created_at: Timestamp,
    /// How often it was tried.
    pub tries: i64,
    /// When it was tried last.
    pub tried_at: Option<Timestamp>,
    /// When it is tried next.
    pub next_try_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub status: Option<i64>,
    /// How long the last try took, in ms.
    pub took_ms: Option<i64>,
    /// Why there was no answer to the last try, or what was wrong with it.
    pub trouble: Option<Text>,
}

/// A delivery with what was sent and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Whose.
    pub place: Place,
    /// Which.
    pub message: Message,
    /// Where it goes.
    pub url: String,
    /// The headers of the last try.
    pub headers: Vec<(String, String)>,
    /// The body: JSON.
    pub body: String,
    /// The beginning of the last answer, at most [`ANSWER_MAX`] bytes.
    pub answer: String,
    /// Whether it can be sent again now.
    pub may_resend: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_700_000_000 * SECOND);

    proptest! {
        #[test]
        fn every_pause_is_as_long_as_it_should_be_and_at_most_a_tenth_longer(failed in 1_i64..=9, jitter in 0..=JITTER) {
            let pause = PAUSES[usize::try_from(failed).unwrap() - 1];
            let at = next_try(NOW, failed, jitter, None).unwrap();
            prop_assert!((pause..=pause + pause / 10).contains(&at.since(NOW)));
        }

        #[test]
        fn pauses_grow(failed in 1_i64..9, a in 0..=JITTER, b in 0..=JITTER) {
            prop_assert!(next_try(NOW, failed, a, None) < next_try(NOW, failed + 1, b, None));
        }

        #[test]
        fn a_receiver_makes_the_pause_longer_never_shorter_and_at_most_a_day(
            failed in 1_i64..=9, jitter in 0..=JITTER, asked in any::<i64>(),
        ) {
            let alone = next_try(NOW, failed, jitter, None).unwrap();
            let asked_for = next_try(NOW, failed, jitter, Some(asked)).unwrap();
            prop_assert!(asked_for >= alone);
            prop_assert!(asked_for <= alone.max(NOW.plus(DAY)));
            if (0..=DAY / SECOND).contains(&asked) {
                prop_assert!(asked_for >= NOW.plus(asked * SECOND));
            }
        }

        #[test]
        fn it_ends(failed in prop_oneof![10_i64..100, i64::MIN..=0, Just(i64::MAX)], jitter in 0..=JITTER) {
            prop_assert_eq!(next_try(NOW, failed, jitter, Some(1)), None);
        }

        #[test]
        fn a_jitter_that_is_none_does_no_harm(jitter in any::<i64>()) {
            let at = next_try(NOW, 1, jitter, None).unwrap();
            prop_assert!((PAUSES[0]..=PAUSES[0] + PAUSES[0] / 10).contains(&at.since(NOW)));
        }
    }

    #[test]
    fn states_survive_the_store() {
        for state in MessageState::ALL {
            assert_eq!(MessageState::from_key(state.key()), Some(state));
        }
        assert_eq!(MessageState::from_key("sent"), None);
    }
}
