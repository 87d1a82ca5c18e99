//! Gates: everything that must be open at one instant before a deployment starts.
//!
//! [`gates`] is the one place that says which gates there are and whether each is open. It names every one that is shut at
//! once, with a reason a person can act on, and when it opens where that is known.

use crate::approval::{Evaluation, Standing};
use crate::break_glass::BreakGlass;
use crate::environment::{Gating, Tier};
use crate::freeze::{self, Blocker, Freeze};
use crate::hold::Hold;
use crate::promotion::PromotionKind;
use crate::release::Evidence;
use crate::signature::SignedImage;
use crate::text::Text;
use crate::time::{HOUR, MINUTE, SECOND, Timestamp};
use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $key:literal,)+) => {
        /// What kind of gate stands before a deployment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum GateKind { $($(#[$doc])* $name,)+ }

        impl GateKind {
            /// Every kind, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable key.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Reads the stable key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.key() == key)
            }
        }
    };
}

kinds! {
    /// The people the environment's rules name.
    Approvals = "approvals",
    /// The release must run in the environment before.
    Previous = "previous",
    /// It must have been healthy there for a while.
    Soak = "soak",
    /// The tests of its pipeline.
    Evidence = "evidence",
    /// What the scanners of its pipeline found.
    Scans = "scans",
    /// Whose signature its images have.
    Signatures = "signatures",
    /// The release must not be marked defective.
    Defective = "defective",
    /// Freeze windows.
    Freeze = "freeze",
    /// The environment's allowed hours.
    Hours = "hours",
    /// A hold.
    Hold = "hold",
    /// The environment runs nowhere yet.
    Binding = "binding",
    /// Another promotion of the app was asked for before, and they go in order.
    Order = "order",
    /// Another promotion of the app holds the environment.
    Lock = "lock",
    /// The project's quota.
    Quota = "quota",
}

impl GateKind {
    /// Whether breaking glass can open it. What protects the cluster or the order of work cannot be broken.
    pub const fn can_be_broken(self) -> bool {
        matches!(
            self,
            Self::Approvals
                | Self::Previous
                | Self::Soak
                | Self::Evidence
                | Self::Scans
                | Self::Signatures
                | Self::Freeze
                | Self::Hours
                | Self::Hold
        )
    }

    /// Whether approvals do not grow old while it is shut: nobody who approved could have had it started.
    pub const fn pauses(self) -> bool {
        matches!(self, Self::Freeze | Self::Hours | Self::Hold)
    }
}

/// One gate: open, or shut with a reason a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Which.
    pub kind: GateKind,
    /// Whether it is open.
    pub open: bool,
    /// Why, in one line.
    pub reason: Text,
    /// When it opens by itself, where that is known.
    pub opens_at: Option<Timestamp>,
}

/// How long the release has been healthy in the environment before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Soaked {
    /// So long, in µs.
    pub healthy_for: i64,
    /// Whether it runs there and is healthy now.
    pub counting: bool,
}

/// What the release did in the environment before.
#[derive(Clone, Debug)]
pub struct Before {
    /// The environment's name.
    pub name: String,
    /// Whether it was there completely.
    pub verified: bool,
    /// How long it has been healthy there.
    pub soaked: Soaked,
}

/// All that the gates of one promotion depend on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What kind of promotion it is.
    pub kind: PromotionKind,
    /// The release's version.
    pub version: &'a str,
    /// Where the approvals stand.
    pub evaluation: &'a Evaluation,
    /// How near the environment is to the users.
    pub tier: Tier,
    /// What the environment asks for beside approvals.
    pub gating: &'a Gating,
    /// The environment before in the chain; `None`: it is the first.
    pub before: Option<Before>,
    /// Why environments before are skipped.
    pub waiver: Option<&'a str>,
    /// What the release's pipeline proved.
    pub evidence: &'a Evidence,
    /// Whether its images are signed, where the environment asks for it.
    pub signed: &'a [SignedImage<'a>],
    /// Why the release is marked defective.
    pub defective: Option<&'a str>,
    /// Whether the environment has a cluster.
    pub bound: bool,
    /// The holds on the stop.
    pub holds: &'a [Hold],
    /// The freeze windows of the organization, the project and the app.
    pub freezes: &'a [Freeze],
    /// The version of what was asked for before it and still waits, where they go in order.
    pub ahead: Option<&'a str>,
    /// The version of another promotion that holds the lock.
    pub locked_by: Option<&'a str>,
    /// Whether there is room in the quota, and the words for it; `None`: there is no quota.
    pub quota: Option<(bool, Text)>,
    /// The breakings of glass for it.
    pub glasses: &'a [BreakGlass],
    /// The instant to judge at.
    pub now: Timestamp,
}

/// Every gate, open or shut, in the order of [`GateKind::ALL`].
pub fn gates(facts: &Facts<'_>) -> Vec<Gate> {
    let mut gates: Vec<Gate> = [
        Some(approvals(facts)),
        previous(facts),
        soak(facts),
        evidence(facts),
        scans(facts),
        signatures(facts),
        defective(facts),
        frozen(facts),
        hours(facts),
        held(facts),
        binding(facts),
        order(facts),
        Some(lock(facts)),
        quota(facts),
    ]
    .into_iter()
    .flatten()
    .collect();
    for gate in gates.iter_mut().filter(|gate| !gate.open) {
        let broken = facts
            .glasses
            .iter()
            .find(|glass| glass.opens(gate.kind, facts.tier, facts.now));
        if let Some(glass) = broken {
            gate.open = true;
            gate.opens_at = None;
            gate.reason = Text::new(
                format!(
                    "opened by {} who broke the glass: {} (otherwise: {})",
                    glass.by.name, glass.reason, gate.reason.en
                ),
                format!(
                    "{} 已紧急放行：{}（原状态：{}）",
                    glass.by.name, glass.reason, gate.reason.zh
                ),
            );
        }
    }
    gates
}

fn gate(kind: GateKind, open: bool, reason: Text) -> Gate {
    Gate {
        kind,
        open,
        reason,
        opens_at: None,
    }
}

fn approvals(facts: &Facts<'_>) -> Gate {
    let evaluation = facts.evaluation;
    let words = if facts.kind == PromotionKind::Rollback {
        Text::new(
            "a rollback to what was verified here needs no approval",
            "回滚到已验证的版本无需审批",
        )
    } else {
        match evaluation.rules.iter().find(|rule| rule.turn) {
            Some(rule) if evaluation.standing == Standing::Waiting => Text::new(
                format!("{}: {}", rule.name.en, rule.words.en),
                format!("{}：{}", rule.name.zh, rule.words.zh),
            ),
            _ => evaluation.words.clone(),
        }
    };
    gate(
        GateKind::Approvals,
        evaluation.standing == Standing::Satisfied,
        words,
    )
}

/// Whether it brings a release on, rather than back, or to what is there.
fn brings(facts: &Facts<'_>) -> bool {
    facts.kind != PromotionKind::Rollback && facts.kind.settles().is_none()
}

fn previous(facts: &Facts<'_>) -> Option<Gate> {
    let before = facts.before.as_ref().filter(|_| brings(facts))?;
    let name = &before.name;
    let (open, reason) = match (facts.waiver, before.verified) {
        (_, true) => (
            true,
            Text::new(format!("was deployed to {name}"), format!("已成功部署到 {name}")),
        ),
        (Some(why), false) => (
            true,
            Text::new(
                format!("{name} is skipped on purpose: {why}"),
                format!("已明确跳过 {name}：{why}"),
            ),
        ),
        (None, false) => (
            false,
            Text::new(
                format!("{} must run in {name} first", facts.version),
                format!("{} 须先成功部署到 {name}", facts.version),
            ),
        ),
    };
    Some(gate(GateKind::Previous, open, reason))
}

/// A stretch of time in words, as in `1 h 30 min`.
pub fn span_text(micros: i64) -> Text {
    let (hours, minutes, seconds) = (
        micros / HOUR,
        micros % HOUR / MINUTE,
        (micros % MINUTE + SECOND - 1) / SECOND,
    );
    if hours > 0 {
        Text::new(
            format!("{hours} h {minutes} min"),
            format!("{hours} 小时 {minutes} 分钟"),
        )
    } else if minutes > 0 {
        Text::new(format!("{minutes} min"), format!("{minutes} 分钟"))
    } else {
        Text::new(format!("{seconds} s"), format!("{seconds} 秒"))
    }
}

fn soak(facts: &Facts<'_>) -> Option<Gate> {
    let before = facts.before.as_ref().filter(|_| brings(facts))?;
    let needed = facts.gating.soak;
    // Where the environment before is skipped on purpose, there is nothing to wait for in it.
    if needed <= 0 || (facts.waiver.is_some() && !before.verified) {
        return None;
    }
    let (name, done) = (&before.name, before.soaked.healthy_for);
    let (done_text, needed_text) = (span_text(done), span_text(needed));
    if done >= needed {
        let reason = Text::new(
            format!("was healthy in {name} for {}", done_text.en),
            format!("已在 {name} 健康运行 {}", done_text.zh),
        );
        return Some(gate(GateKind::Soak, true, reason));
    }
    let (en, zh) = if before.soaked.counting {
        ("", "")
    } else {
        (
            "; only the time in which it runs there and is healthy counts",
            "；仅计入在该环境健康运行的时间",
        )
    };
    let reason = Text::new(
        format!(
            "was healthy in {name} for {} of {}{en}",
            done_text.en, needed_text.en
        ),
        format!("已在 {name} 健康运行 {}，需 {}{zh}", done_text.zh, needed_text.zh),
    );
    Some(Gate {
        opens_at: before.soaked.counting.then(|| facts.now.plus(needed - done)),
        ..gate(GateKind::Soak, false, reason)
    })
}

fn evidence(facts: &Facts<'_>) -> Option<Gate> {
    if facts.kind.settles().is_some() {
        return None;
    }
    let (passed, failed) = (facts.evidence.tests_passed, facts.evidence.tests_failed);
    let rollback = facts.kind == PromotionKind::Rollback;
    let (open, reason) = if failed > 0 {
        (
            rollback,
            Text::new(
                format!("{failed} tests of its pipeline failed; fix them and release again"),
                format!("流水线有 {failed} 个测试失败，请修复后重新发布"),
            ),
        )
    } else if passed == 0 && facts.gating.tests_needed {
        (
            rollback,
            Text::new(
                "its pipeline reported no tests, and this environment asks for them",
                "流水线未报告测试，而该环境要求有测试结果",
            ),
        )
    } else if passed == 0 {
        (
            true,
            Text::new(
                "its pipeline was green and reported no tests",
                "流水线通过，未报告测试",
            ),
        )
    } else {
        (
            true,
            Text::new(format!("{passed} tests passed"), format!("{passed} 个测试通过")),
        )
    };
    Some(gate(GateKind::Evidence, open, reason))
}

/// What the environment asks of scans. One that could not be read is none, and what it found is not known.
fn scans(facts: &Facts<'_>) -> Option<Gate> {
    let gating = facts.gating;
    if facts.kind.settles().is_some() || gating.scans_needed.is_empty() && gating.worst.is_none() {
        return None;
    }
    let done = &facts.evidence.scans;
    let mut en = Vec::new();
    let mut zh = Vec::new();
    for kind in &gating.scans_needed {
        if !done
            .iter()
            .any(|scan| scan.kind == *kind && scan.trouble.is_none())
        {
            let name = kind.text();
            en.push(format!("its pipeline left no readable scan: {}", name.en));
            zh.push(format!("流水线没有可读取的扫描结果：{}", name.zh));
        }
    }
    if let Some(worst) = gating.worst {
        for scan in done.iter().filter(|scan| scan.trouble.is_some()) {
            let (name, job) = (scan.kind.text(), &scan.job);
            en.push(format!(
                "what “{job}” found is not known, its report cannot be read: {}",
                name.en
            ));
            zh.push(format!("无法读取“{job}”的报告，结果未知：{}", name.zh));
        }
        let found: usize = done.iter().map(|scan| scan.at_least(worst)).sum();
        let (allowed, word) = (gating.findings_allowed, worst.text());
        if found > allowed as usize {
            let each = |pick: fn(&Text) -> &String| {
                let some = done.iter().filter(|scan| scan.at_least(worst) > 0);
                some.map(|scan| format!("{} {}", pick(&scan.kind.text()), scan.at_least(worst)))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            en.push(format!(
                "{found} findings of severity {} or worse, {allowed} allowed ({})",
                word.en,
                each(|t| &t.en)
            ));
            zh.push(format!(
                "{}及以上的发现 {found} 个，允许 {allowed} 个（{}）",
                word.zh,
                each(|t| &t.zh)
            ));
        }
    }
    let rollback = facts.kind == PromotionKind::Rollback;
    if en.is_empty() {
        let reason = Text::new("its scans are as the environment asks", "扫描结果符合该环境要求");
        return Some(gate(GateKind::Scans, true, reason));
    }
    Some(gate(
        GateKind::Scans,
        rollback,
        Text::new(en.join("; "), zh.join("；")),
    ))
}

/// What the environment asks of signatures: each image has one of a key that counts there.
fn signatures(facts: &Facts<'_>) -> Option<Gate> {
    let signers = &facts.gating.signers;
    if facts.kind.settles().is_some() || signers.is_empty() {
        return None;
    }
    let rollback = facts.kind == PromotionKind::Rollback;
    let unsigned: Vec<&SignedImage<'_>> = facts.signed.iter().filter(|one| one.by.is_none()).collect();
    if facts.signed.is_empty() || !unsigned.is_empty() {
        let names = signers.iter().map(|signer| signer.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        let images = unsigned
            .iter()
            .map(|one| format!("{}@{}", one.image.repository, one.image.short()));
        let images = images.collect::<Vec<_>>().join(", ");
        let reason = Text::new(
            format!("not signed by a key that this environment trusts ({names}): {images}"),
            format!("未由该环境信任的密钥（{names}）签名：{images}"),
        );
        return Some(gate(GateKind::Signatures, rollback, reason));
    }
    let mut by: Vec<&str> = facts.signed.iter().filter_map(|one| one.by).collect();
    by.sort_unstable();
    by.dedup();
    let by = by.join(", ");
    let reason = Text::new(
        format!("its images are signed by {by}"),
        format!("镜像已由 {by} 签名"),
    );
    Some(gate(GateKind::Signatures, true, reason))
}

fn defective(facts: &Facts<'_>) -> Option<Gate> {
    let why = facts.defective?;
    let reason = Text::new(
        format!("{} is marked defective: {why}", facts.version),
        format!("{} 已标记为有缺陷：{why}", facts.version),
    );
    Some(gate(
        GateKind::Defective,
        facts.kind == PromotionKind::Rollback,
        reason,
    ))
}

fn join(blockers: &[Blocker]) -> Text {
    let list = |pick: fn(&Text) -> &String, between: &str| {
        blockers
            .iter()
            .map(|one| pick(&one.text).clone())
            .collect::<Vec<_>>()
            .join(between)
    };
    Text::new(list(|t| &t.en, "; "), list(|t| &t.zh, "；"))
}

/// The windows that stand in the way. A rollback goes through them: it makes nothing new.
fn frozen(facts: &Facts<'_>) -> Option<Gate> {
    if !facts.freezes.iter().any(|freeze| freeze.concerns(facts.tier)) {
        return None;
    }
    let blockers = freeze::blockers(facts.freezes, facts.tier, facts.now);
    if blockers.is_empty() {
        return Some(gate(
            GateKind::Freeze,
            true,
            Text::new("no freeze window", "不在封网窗口内"),
        ));
    }
    let rollback = facts.kind == PromotionKind::Rollback;
    let mut reason = join(&blockers);
    if rollback {
        reason = Text::new(
            format!("{}; a rollback is allowed", reason.en),
            format!("{}；允许回滚", reason.zh),
        );
    }
    Some(Gate {
        opens_at: if rollback { None } else { opens(facts) },
        ..gate(GateKind::Freeze, rollback, reason)
    })
}

fn hours(facts: &Facts<'_>) -> Option<Gate> {
    if facts.gating.hours.is_empty() || facts.kind == PromotionKind::Rollback {
        return None;
    }
    Some(match freeze::out_of_hours(&facts.gating.hours, facts.now) {
        None => gate(
            GateKind::Hours,
            true,
            Text::new("within the allowed hours", "在允许的部署时间内"),
        ),
        Some(blocker) => Gate {
            opens_at: opens(facts),
            ..gate(GateKind::Hours, false, blocker.text)
        },
    })
}

/// When neither windows nor hours stand in the way: the one instant that both gates show.
fn opens(facts: &Facts<'_>) -> Option<Timestamp> {
    freeze::opens_at(facts.freezes, &facts.gating.hours, facts.tier, facts.now)
}

fn held(facts: &Facts<'_>) -> Option<Gate> {
    let pausing: Vec<&Hold> = facts
        .holds
        .iter()
        .filter(|hold| hold.held.pauses(facts.kind))
        .collect();
    if pausing.is_empty() {
        return None;
    }
    let list = |words: fn(&Hold) -> String, between: &str| {
        pausing
            .iter()
            .map(|hold| words(hold))
            .collect::<Vec<_>>()
            .join(between)
    };
    let reason = Text::new(
        list(
            |hold| {
                format!(
                    "on hold by {}: {}. They or a project owner lift it",
                    hold.owner.name, hold.reason
                )
            },
            "; ",
        ),
        list(
            |hold| {
                format!(
                    "{} 已暂停：{}。由其本人或项目所有者解除",
                    hold.owner.name, hold.reason
                )
            },
            "；",
        ),
    );
    Some(gate(GateKind::Hold, false, reason))
}

fn binding(facts: &Facts<'_>) -> Option<Gate> {
    (!facts.bound).then(|| {
        let reason = Text::new(
            "The environment has no cluster. A project lead must bind it to one.",
            "该环境尚未绑定集群，请项目负责人完成绑定。",
        );
        gate(GateKind::Binding, false, reason)
    })
}

fn order(facts: &Facts<'_>) -> Option<Gate> {
    let version = facts.ahead.filter(|_| brings(facts))?;
    let reason = Text::new(
        format!("{version} was asked for before it, and releases go here in order"),
        format!("{version} 先于本次申请，该环境按顺序部署"),
    );
    Some(gate(GateKind::Order, false, reason))
}

fn lock(facts: &Facts<'_>) -> Gate {
    match facts.locked_by {
        None => gate(
            GateKind::Lock,
            true,
            Text::new("nothing else is being deployed there", "当前没有其他部署"),
        ),
        Some(version) => gate(
            GateKind::Lock,
            false,
            Text::new(
                format!("{version} is being deployed there; this starts when it has ended"),
                format!("正在部署 {version}，结束后自动开始"),
            ),
        ),
    }
}

fn quota(facts: &Facts<'_>) -> Option<Gate> {
    let (open, reason) = facts.quota.clone()?;
    Some(gate(GateKind::Quota, open, reason))
}
