//! A clock that moves only when a test says so.

use parking_lot::Mutex;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::Clock;
use std::sync::Arc;

/// 2026-01-01T00:00:00Z in µs.
const START: i64 = 1_767_225_600_000_000;

/// A clock that stands still. Clones share the time.
#[derive(Clone, Debug)]
pub struct MockClock(Arc<Mutex<Timestamp>>);

impl Default for MockClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Timestamp(START))))
    }
}

impl MockClock {
    /// Moves on by `micros`.
    pub fn advance(&self, micros: i64) {
        let mut now = self.0.lock();
        *now = now.plus(micros);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        // Every look is 1 µs later, so that two rows never share an instant by accident.
        let mut now = self.0.lock();
        *now = now.plus(1);
        *now
    }
}
