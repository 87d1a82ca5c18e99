//! Quotas: what the apps of an environment may ask for together, in the units of Kubernetes.

use crate::environment::EnvironmentRef;
use crate::release::Workload;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// What may be asked for together; `None`: as much as they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// CPU, in thousandths of a core.
    pub cpu_millis: Option<i64>,
    /// Memory, in MiB.
    pub memory_mib: Option<i64>,
    /// Pods.
    pub pods: Option<i64>,
}

/// The quota of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaRow {
    /// Where.
    pub environment: EnvironmentRef,
    /// How much.
    pub quota: Quota,
    /// What its apps ask for now.
    pub taken: Requests,
}

/// What pods ask for together: the sums of their requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// CPU, in thousandths of a core.
    pub cpu_millis: i64,
    /// Memory, in MiB.
    pub memory_mib: i64,
    /// Pods.
    pub pods: i64,
}

/// What `workload` asks for in the environment `key` once it runs there alone.
pub fn requests(workload: &Workload, key: &str) -> Requests {
    of_pods(workload, key, i64::from(workload.replicas_in(key)))
}

fn of_pods(workload: &Workload, key: &str, pods: i64) -> Requests {
    let (cpu_millis, memory_mib) = workload.pod_in(key);
    Requests {
        cpu_millis: cpu_millis.saturating_mul(pods),
        memory_mib: memory_mib.saturating_mul(pods),
        pods,
    }
}

/// How many pods a rolling update of `replicas` makes beyond them: a quarter, rounded up, as Kubernetes does unless
/// told otherwise.
const fn surge(replicas: i64) -> i64 {
    (replicas + 3) / 4
}

/// The most that an app asks for at once in the environment `key` while `new` takes the place of `old` there by a
/// rolling update; `None`: nothing runs there.
///
/// Kubernetes first scales to the new number of pods and then exchanges them, never holding more than that number and
/// a quarter of it. Which pods are old at the fullest moment is not known: each counts as the larger of the two.
pub fn peak(old: Option<&Workload>, new: &Workload, key: &str) -> Requests {
    let wanted = i64::from(new.replicas_in(key));
    let Some(old) = old else {
        return of_pods(new, key, wanted);
    };
    let had = i64::from(old.replicas_in(key));
    let pods = had.max(wanted + surge(wanted));
    let (before, after) = (of_pods(old, key, pods), of_pods(new, key, pods));
    Requests {
        cpu_millis: before.cpu_millis.max(after.cpu_millis),
        memory_mib: before.memory_mib.max(after.memory_mib),
        pods,
    }
}

impl std::ops::Add for Requests {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_add(other.cpu_millis),
            memory_mib: self.memory_mib.saturating_add(other.memory_mib),
            pods: self.pods.saturating_add(other.pods),
        }
    }
}

impl std::iter::Sum for Requests {
    fn sum<I: Iterator<Item = Self>>(requests: I) -> Self {
        requests.fold(Self::default(), std::ops::Add::add)
    }
}

/// The largest amount that is taken, in any unit: a million cores, a pebibyte.
const MOST: i64 = 1_000_000_000;

/// An amount that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// Not an amount of CPU.
    #[error("write cores, as in 4, 1.5 or 500m")]
    Cpu,
    /// Not an amount of memory.
    #[error("write memory with its unit, as in 512Mi or 8Gi")]
    Memory,
    /// Not a number of pods.
    #[error("write a whole number, as in 20")]
    Pods,
}

impl QuotaError {
    /// The words for a field's error.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::Cpu => "请填写核数，如 4、1.5 或 500m",
            Self::Memory => "请填写带单位的内存，如 512Mi 或 8Gi",
            Self::Pods => "请填写整数，如 20",
        };
        Text::new(self.to_string(), zh)
    }
}

/// What is asked for, taken and allowed, in words, where it does not fit.
fn short(limit: Option<i64>, taken: i64, asked: i64, words: impl Fn(i64) -> String) -> Option<[String; 3]> {
    let limit = limit.filter(|limit| taken.saturating_add(asked) > *limit)?;
    Some([asked, taken, limit].map(words))
}

/// A positive amount that is not beyond all reason.
fn within(amount: Option<i64>) -> Option<i64> {
    amount.filter(|amount| (1..=MOST).contains(amount))
}

/// `text` in thousandths: digits, and up to three more after a point.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(part)
}

/// Reads CPU: cores (`4`, `1.5`) or thousandths (`500m`); nothing typed is no limit. In thousandths of a core.
///
/// # Errors
/// It is neither, or nothing or beyond all reason.
pub fn cpu(text: &str) -> Result<Option<i64>, QuotaError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let millis = match text.strip_suffix('m') {
        Some(millis) => millis.parse().ok(),
        None => thousandths(text),
    };
    within(millis).map(Some).ok_or(QuotaError::Cpu)
}

/// Reads memory: `512Mi`, `8Gi` or `1Ti`; nothing typed is no limit. In MiB.
///
/// # Errors
/// It has no such unit, or it is nothing or beyond all reason.
pub fn memory(text: &str) -> Result<Option<i64>, QuotaError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let units = [("Mi", 1), ("Gi", 1024), ("Ti", 1024 * 1024)];
    let mib = units.into_iter().find_map(|(unit, factor)| {
        let number = text.strip_suffix(unit)?.trim_end();
        number.parse::<i64>().ok()?.checked_mul(factor)
    });
    within(mib).map(Some).ok_or(QuotaError::Memory)
}

/// Reads a number of pods; nothing typed is no limit.
///
/// # Errors
/// It is no whole number, or nothing or beyond all reason.
pub fn pods(text: &str) -> Result<Option<i64>, QuotaError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    within(text.parse().ok()).map(Some).ok_or(QuotaError::Pods)
}

impl Quota {
    /// CPU as one writes it: `4`, `500m`; empty: no limit.
    pub fn cpu_text(&self) -> String {
        match self.cpu_millis {
            None => String::new(),
            Some(millis) if millis % 1000 == 0 => (millis / 1000).to_string(),
            Some(millis) => format!("{millis}m"),
        }
    }

    /// Memory as one writes it: `8Gi`, `512Mi`; empty: no limit.
    pub fn memory_text(&self) -> String {
        match self.memory_mib {
            None => String::new(),
            Some(mib) if mib % 1024 == 0 => format!("{}Gi", mib / 1024),
            Some(mib) => format!("{mib}Mi"),
        }
    }

    /// Whether anything is limited.
    pub fn limits(&self) -> bool {
        *self != Self::default()
    }

    /// Whether `asked` fits beside what is `taken` already, and in words what there is room for or what is missing.
    pub fn room(&self, taken: Requests, asked: Requests) -> (bool, Text) {
        let cpu = |millis| {
            Self {
                cpu_millis: Some(millis),
                ..Self::default()
            }
            .cpu_text()
        };
        let memory = |mib| {
            Self {
                memory_mib: Some(mib),
                ..Self::default()
            }
            .memory_text()
        };
        let pods = |pods: i64| pods.to_string();
        let parts = [
            (
                "CPU",
                "CPU",
                short(self.cpu_millis, taken.cpu_millis, asked.cpu_millis, cpu),
            ),
            (
                "memory",
                "内存",
                short(self.memory_mib, taken.memory_mib, asked.memory_mib, memory),
            ),
            ("pods", "Pod", short(self.pods, taken.pods, asked.pods, pods)),
        ];
        let short = parts
            .into_iter()
            .filter_map(|(en, zh, short)| {
                let [asked, taken, limit] = short?;
                Some((
                    format!("{en}: it needs {asked}, and {taken} of {limit} are taken"),
                    format!("{zh}：需要 {asked}，配额 {limit} 中已占用 {taken}"),
                ))
            })
            .collect::<Vec<_>>();
        if short.is_empty() {
            return (true, Text::new("there is room in the quota", "配额充足"));
        }
        let (en, zh): (Vec<_>, Vec<_>) = short.into_iter().unzip();
        (
            false,
            Text::new(
                format!(
                    "The quota has no room. {}. Make the workload smaller, or ask an owner of the organization to raise \
                     the quota.",
                    en.join("; ")
                ),
                format!(
                    "配额不足。{}。请缩小工作负载，或请组织所有者提高配额。",
                    zh.join("；")
                ),
            ),
        )
    }

    /// Pods as one writes them; empty: no limit.
    pub fn pods_text(&self) -> String {
        self.pods.map_or_else(String::new, |pods| pods.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            cpu_millis in proptest::option::of(1..=MOST),
            memory_mib in proptest::option::of(1..=MOST),
            pods_most in proptest::option::of(1..=MOST),
        ) {
            let quota = Quota { cpu_millis, memory_mib, pods: pods_most };
            prop_assert_eq!(cpu(&quota.cpu_text()), Ok(cpu_millis));
            prop_assert_eq!(memory(&quota.memory_text()), Ok(memory_mib));
            prop_assert_eq!(pods(&quota.pods_text()), Ok(pods_most));
        }

        #[test]
        fn no_text_makes_it_panic_or_gives_less_than_one(text in ".{0,24}") {
            for read in [cpu(&text), memory(&text), pods(&text)] {
                prop_assert!(read.is_err() || read.is_ok_and(|amount| amount.is_none_or(|a| a >= 1)));
            }
        }
    }

    proptest! {
        #[test]
        fn a_rolling_update_never_asks_for_less_than_what_stands_before_or_after(
            had in 0_u32..200, wanted in 0_u32..200, cpu in 1_u32..4000, memory in 1_u32..8000,
        ) {
            let old = Workload { replicas: had, cpu_millis: 500, memory_mib: 900, ..Workload::default() };
            let new = Workload { replicas: wanted, cpu_millis: cpu, memory_mib: memory, ..Workload::default() };
            let most = peak(Some(&old), &new, "qa");
            for alone in [requests(&old, "qa"), requests(&new, "qa")] {
                prop_assert!(most.cpu_millis >= alone.cpu_millis);
                prop_assert!(most.memory_mib >= alone.memory_mib);
                prop_assert!(most.pods >= alone.pods);
            }
            prop_assert_eq!(peak(None, &new, "qa"), requests(&new, "qa"));
        }

        #[test]
        fn there_is_room_exactly_where_no_sum_is_beyond_its_limit(
            limit in proptest::option::of(1_i64..50), taken in 0_i64..50, asked in 0_i64..50,
        ) {
            let quota = Quota { pods: limit, ..Quota::default() };
            let pods = |pods| Requests { pods, cpu_millis: MOST, memory_mib: MOST };
            let (open, _) = quota.room(pods(taken), pods(asked));
            prop_assert_eq!(open, limit.is_none_or(|limit| taken + asked <= limit));
        }
    }

    #[test]
    fn what_is_missing_is_said_in_the_units_it_is_written_in() {
        let quota = Quota {
            cpu_millis: Some(4000),
            memory_mib: Some(8192),
            pods: Some(20),
        };
        let taken = Requests {
            cpu_millis: 3500,
            memory_mib: 1024,
            pods: 7,
        };
        let asked = Requests {
            cpu_millis: 750,
            memory_mib: 512,
            pods: 14,
        };
        let (open, words) = quota.room(taken, asked);
        assert!(!open);
        assert!(
            words.en.starts_with(
                "The quota has no room. CPU: it needs 750m, and 3500m of 4 are taken; pods: it needs 14, and 7 of 20 are taken."
            ),
            "{}",
            words.en
        );
        assert!(
            words.zh.contains("Pod：需要 14，配额 20 中已占用 7"),
            "{}",
            words.zh
        );
    }

    #[test]
    fn amounts_are_read_as_kubernetes_writes_them() {
        assert_eq!(cpu("1.5"), Ok(Some(1500)));
        assert_eq!(cpu(" 500m "), Ok(Some(500)));
        assert_eq!(cpu(""), Ok(None));
        assert_eq!(memory("8Gi"), Ok(Some(8192)));
        for wrong in ["0", "-1", "1.2345", "4 cores", "m", ".5", "9999999999999999999"] {
            assert_eq!(cpu(wrong), Err(QuotaError::Cpu), "{wrong}");
        }
        for wrong in ["8", "8G", "0Gi", "-1Mi", "Gi", "9223372036854775807Ti"] {
            assert_eq!(memory(wrong), Err(QuotaError::Memory), "{wrong}");
        }
        assert_eq!(pods("2.5"), Err(QuotaError::Pods));
    }
}
