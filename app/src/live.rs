//! One `EventSource` on `/live` a tab. Its messages say what changed, never how: whoever shows the thing
//! reads it again through an authorized call.

use leptos::prelude::*;
#[cfg(feature = "hydrate")]
use std::time::Duration;

/// What an answer is about, and so what makes it stale: (topic, id) pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics(Vec<(&'static str, String)>);

impl Topics {
    /// One topic.
    pub fn of(topic: &'static str, id: impl std::fmt::Display) -> Self {
        Self::default().and(topic, id)
    }

    /// One topic more.
    #[must_use]
    pub fn and(mut self, topic: &'static str, id: impl std::fmt::Display) -> Self {
        self.0.push((topic, id.to_string()));
        self
    }

    #[cfg_attr(
        not(any(feature = "hydrate", test)),
        expect(dead_code, reason = "only the browser listens")
    )]
    fn holds(&self, topic: &str, id: &str) -> bool {
        self.0.iter().any(|(t, i)| *t == topic && i == id)
    }
}

/// The least time between two readings of one thing; the first change is followed at once.
#[cfg(feature = "hydrate")]
const GAP: Duration = Duration::from_millis(50);

/// How stale one load is: a count that grows when it should be read again.
#[derive(Clone, Copy)]
pub struct Freshness {
    count: RwSignal<u64>,
    topics: StoredValue<Topics>,
    /// How many messages had been heard when it was read last.
    #[cfg(feature = "hydrate")]
    heard: StoredValue<u64>,
    /// Whether it was read within [`GAP`]; then whether another change came meanwhile.
    #[cfg(feature = "hydrate")]
    resting: StoredValue<Option<bool>>,
}

impl Freshness {
    pub(crate) fn new() -> Self {
        let this = Self {
            count: RwSignal::new(0),
            topics: StoredValue::new(Topics::default()),
            #[cfg(feature = "hydrate")]
            heard: StoredValue::new(0),
            #[cfg(feature = "hydrate")]
            resting: StoredValue::new(None),
        };
        #[cfg(feature = "hydrate")]
        this.register();
        this
    }

    /// It is read now.
    pub(crate) fn track(self) -> u64 {
        #[cfg(feature = "hydrate")]
        self.heard.set_value(stream::heard_so_far());
        self.count.get()
    }

    /// From now on changes of `topics` make it stale, and those that were heard since it was read do already.
    pub(crate) fn watch(self, topics: Topics) {
        #[cfg(feature = "hydrate")]
        if stream::heard_since(self.heard.get_value(), &topics) {
            self.heard.set_value(stream::heard_so_far());
            self.stale();
        }
        self.topics.set_value(topics);
    }

    pub(crate) fn refresh(self) {
        let _ = self.count.try_update(|count| *count += 1);
    }

    /// Refreshes now, or after the rest of the gap.
    #[cfg(feature = "hydrate")]
    fn stale(self) {
        if self.resting.try_get_value().flatten().is_some() {
            let _ = self.resting.try_set_value(Some(true));
            return;
        }
        let _ = self.resting.try_set_value(Some(false));
        self.refresh();
        set_timeout(
            move || {
                let again = self.resting.try_get_value().flatten() == Some(true);
                let _ = self.resting.try_set_value(None);
                if again {
                    self.stale();
                }
            },
            GAP,
        );
    }
}

#[cfg(feature = "hydrate")]
mod stream {
    use super::{Freshness, Topics};
    use leptos::prelude::*;
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::time::Duration;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;

    thread_local! {
        static WATCHERS: RefCell<Vec<Freshness>> = const { RefCell::new(Vec::new()) };
        static HEARD: RefCell<Heard> = const { RefCell::new(Heard { count: 0, last: VecDeque::new() }) };
    }

    /// The messages of late: an answer that is on its way may be older than one of them.
    struct Heard {
        count: u64,
        last: VecDeque<(u64, Message)>,
    }

    /// How many messages are remembered.
    const REMEMBERED: usize = 64;

    pub(super) fn heard_so_far() -> u64 {
        HEARD.with_borrow(|heard| heard.count)
    }

    /// Whether one of the topics was heard of after `count` messages.
    pub(super) fn heard_since(count: u64, topics: &Topics) -> bool {
        HEARD.with_borrow(|heard| {
            let later = heard.last.iter().filter(|(number, _)| *number > count);
            later
                .map(|(_, message)| message)
                .any(|message| topics.holds(&message.topic, &message.id))
        })
    }

    /// A message of the stream. Its version is not needed: reading again is always right.
    #[derive(Clone, serde::Deserialize)]
    struct Message {
        topic: String,
        id: String,
    }

    impl Freshness {
        pub(super) fn register(self) {
            WATCHERS.with_borrow_mut(|all| all.push(self));
            on_cleanup(move || {
                WATCHERS.with_borrow_mut(|all| all.retain(|f| f.count != self.count));
            });
        }
    }

    fn watchers() -> Vec<Freshness> {
        WATCHERS.with_borrow(Clone::clone)
    }

    /// Reads everything on the page again.
    pub fn refresh_all() {
        for watcher in watchers() {
            watcher.refresh();
        }
    }

    fn heard(text: &str) {
        let Ok(message) = crate::json::parse::<Message>(text) else {
            return;
        };
        HEARD.with_borrow_mut(|heard| {
            heard.count += 1;
            if heard.last.len() == REMEMBERED {
                heard.last.pop_front();
            }
            heard.last.push_back((heard.count, message.clone()));
        });
        for watcher in watchers() {
            let concerned = watcher
                .topics
                .try_with_value(|topics| topics.holds(&message.topic, &message.id));
            if concerned == Some(true) {
                watcher.stale();
            }
        }
    }

    /// Listens until the page is left, also to what changed since it was made. `offline` becomes true when the stream has been down for 5 s.
    pub fn listen(made_at: i64, offline: RwSignal<bool>) {
        let Ok(source) = web_sys::EventSource::new(&format!("/live?since={made_at}")) else {
            return;
        };
        let down = StoredValue::new(None::<TimeoutHandle>);
        let message = Closure::<dyn Fn(web_sys::MessageEvent)>::new(|ev: web_sys::MessageEvent| {
            if let Some(text) = ev.data().as_string() {
                heard(&text);
            }
        });
        source.set_onmessage(Some(message.as_ref().unchecked_ref()));
        let opened = StoredValue::new(false);
        let open = Closure::<dyn Fn()>::new(move || {
            if let Some(timer) = down.get_value() {
                timer.clear();
                down.set_value(None);
            }
            offline.set(false);
            // What happened while the stream was down was not heard.
            if opened.get_value() {
                refresh_all();
            }
            opened.set_value(true);
        });
        source.set_onopen(Some(open.as_ref().unchecked_ref()));
        let error = Closure::<dyn Fn()>::new(move || {
            if down.with_value(Option::is_none) {
                down.set_value(
                    set_timeout_with_handle(move || offline.set(true), Duration::from_secs(5)).ok(),
                );
            }
        });
        source.set_onerror(Some(error.as_ref().unchecked_ref()));
        // They live as long as the page.
        message.forget();
        open.forget();
        error.forget();
    }
}

#[cfg(feature = "hydrate")]
pub use stream::{listen, refresh_all};

/// A count that grows every half minute, for times that are told as "5 min ago".
#[cfg(feature = "hydrate")]
pub fn minute() -> RwSignal<u32> {
    use std::cell::Cell;
    thread_local! {
        static MINUTE: Cell<Option<ArcRwSignal<u32>>> = const { Cell::new(None) };
    }
    let shared = MINUTE.take().unwrap_or_else(|| {
        let count = ArcRwSignal::new(0_u32);
        let tick = count.clone();
        set_interval(
            move || tick.update(|n| *n = n.wrapping_add(1)),
            Duration::from_secs(30),
        );
        count
    });
    MINUTE.set(Some(shared.clone()));
    shared.into()
}

/// For readers without JavaScript: the page loads itself again every 15 s. Text, not an element: one that a script
/// puts into the page would reload it as well.
pub fn refresh_without_js() -> AnyView {
    view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="15">"#></noscript> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_heard_only_for_its_own_id() {
        let topics = Topics::of("app", "1").and("promotion", "2");
        assert!(topics.holds("app", "1") && topics.holds("promotion", "2"));
        assert!(!topics.holds("app", "2") && !topics.holds("run", "1"));
    }
}
