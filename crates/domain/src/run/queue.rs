//! Why a job waits for a runner.

use crate::text::Text;

/// A runner of a repository, as far as it matters to who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runner {
    /// Whether GitLab heard of it lately.
    pub online: bool,
    /// Whether somebody paused it.
    pub paused: bool,
}

/// Why a job with these tags waits. `fitting`: the runners that have all of the tags; `lacking`: tags that no runner has
/// at all, where that is known.
pub fn why_it_waits(tags: &[String], fitting: &[Runner], lacking: &[String]) -> Text {
    if fitting.iter().any(|runner| runner.online && !runner.paused) {
        return Text::new("Waits for a free runner.", "等待空闲的 Runner。");
    }
    let listed = |tags: &[String]| (tags.join(", "), tags.join("、"));
    let (of_en, of_zh) = if tags.is_empty() {
        (String::new(), String::new())
    } else {
        let (en, zh) = listed(tags);
        let word = if tags.len() == 1 { "tag" } else { "tags" };
        (format!(" with the {word} {en}"), format!("具备标签 {zh} 的 "))
    };
    if fitting.is_empty() {
        return match (tags.is_empty(), lacking) {
            (true, _) => Text::new(
                "Waits: the repository has no runner. Register one in GitLab, or switch shared runners on.",
                "等待中：仓库没有可用的 Runner。请在 GitLab 中注册，或启用共享 Runner。",
            ),
            (false, []) => Text::new(
                format!("Waits: no runner has all of the tags {}.", listed(tags).0),
                format!("等待中：没有 Runner 同时具备标签 {}。", listed(tags).1),
            ),
            (false, [one]) => Text::new(
                format!("Waits: no runner has the tag {one}."),
                format!("等待中：没有 Runner 具备标签 {one}。"),
            ),
            (false, several) => Text::new(
                format!("Waits: no runner has the tags {}.", listed(several).0),
                format!("等待中：没有 Runner 具备标签 {}。", listed(several).1),
            ),
        };
    }
    let paused = fitting.iter().filter(|runner| runner.paused).count();
    if paused == fitting.len() {
        return Text::new(
            format!("Waits: every runner{of_en} is paused. Resume one in GitLab."),
            format!("等待中：所有{of_zh}Runner 均已暂停，请在 GitLab 中恢复。"),
        );
    }
    let away = fitting.len() - paused;
    let (and_en, and_zh) = if paused > 0 {
        (
            format!(" ({paused} paused)"),
            format!("（另有 {paused} 个已暂停）"),
        )
    } else {
        (String::new(), String::new())
    };
    Text::new(
        format!("Waits: no runner{of_en} is online; {away} not heard of{and_en}."),
        format!("等待中：没有在线的{of_zh}Runner，{away} 个失联{and_zh}。"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Runner = Runner {
        online: true,
        paused: false,
    };
    const PAUSED: Runner = Runner {
        online: true,
        paused: true,
    };
    const AWAY: Runner = Runner {
        online: false,
        paused: false,
    };

    fn why(tags: &[&str], fitting: &[Runner], lacking: &[&str]) -> String {
        let owned = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        why_it_waits(&owned(tags), fitting, &owned(lacking)).en
    }

    #[test]
    fn the_reason_is_what_somebody_can_do_something_about() {
        assert_eq!(
            why(&["arm64"], &[], &["arm64"]),
            "Waits: no runner has the tag arm64."
        );
        assert_eq!(
            why(&["arm64", "gpu"], &[], &["gpu"]),
            "Waits: no runner has the tag gpu."
        );
        assert_eq!(
            why(&["arm64", "gpu"], &[], &[]),
            "Waits: no runner has all of the tags arm64, gpu."
        );
        assert!(why(&[], &[], &[]).contains("has no runner"));
        assert_eq!(
            why(&["arm64"], &[PAUSED], &[]),
            "Waits: every runner with the tag arm64 is paused. Resume one in GitLab."
        );
        assert_eq!(
            why(&[], &[AWAY, PAUSED], &[]),
            "Waits: no runner is online; 1 not heard of (1 paused)."
        );
        assert_eq!(why(&["arm64"], &[AWAY, UP], &[]), "Waits for a free runner.");
    }
}
