//! The shapes of texts: durations, cron expressions, image references, paths.

const DURATION_UNITS: [&str; 22] = [
    "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes", "h", "hr", "hrs",
    "hour", "hours", "d", "day", "days", "w", "week", "weeks", "mo",
];
const LONG_UNITS: [&str; 5] = ["month", "months", "y", "year", "years"];

/// `1 hour 30 minutes`, `1h30m`, `never` is not one.
pub(super) fn is_duration(text: &str) -> bool {
    let mut rest = text.trim();
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits == 0 || digits > 9 {
            return false;
        }
        rest = rest[digits..].trim_start();
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = rest[..letters].to_ascii_lowercase();
        if !DURATION_UNITS.contains(&unit.as_str()) && !LONG_UNITS.contains(&unit.as_str()) {
            return false;
        }
        rest = rest[letters..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    true
}

pub(super) fn is_cron(text: &str) -> bool {
    const LIMITS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    let fields: Vec<&str> = text.split_whitespace().collect();
    fields.len() == 5
        && fields
            .iter()
            .zip(LIMITS)
            .all(|(field, limits)| is_cron_field(field, limits))
}

fn is_cron_field(field: &str, (low, high): (u32, u32)) -> bool {
    let number = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|value| (low..=high).contains(value))
    };
    field.split(',').all(|part| {
        let (range, step) = part
            .split_once('/')
            .map_or((part, None), |(range, step)| (range, Some(step)));
        let step_holds = step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0));
        let range_holds = range == "*"
            || match range.split_once('-') {
                Some((from, to)) => {
                    matches!((number(from), number(to)), (Some(from), Some(to)) if from <= to)
                }
                None => number(range).is_some(),
            };
        step_holds && range_holds
    })
}

/// `[registry[:port]/]path[:tag][@sha256:…]`; variables such as `$CI_REGISTRY_IMAGE` are let through.
pub(super) fn is_image(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@${}".contains(c);
    let first_holds = text
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric() || c == '$');
    let (name, digest) = text
        .split_once('@')
        .map_or((text, None), |(name, digest)| (name, Some(digest)));
    let digest_holds = digest.is_none_or(|digest| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
    });
    first_holds
        && digest_holds
        && text.chars().all(allowed)
        && !name.ends_with(['/', ':'])
        && !name.contains("//")
        && text.len() <= 512
}

pub(super) fn is_relative_path(text: &str) -> bool {
    !text.starts_with(['/', '~']) && !text.contains('\\') && text.split('/').all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_gitlab_are_known() {
        for good in [
            "90 minutes",
            "1h 30m",
            "1h30m",
            "2 days",
            "1 week and 3 days",
            "30 mins",
        ] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "soon", "10", "5 parsecs", "-1 hour", "1.5 hours"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn cron_has_five_fields_in_range() {
        for good in ["0 4 * * 1-5", "*/15 * * * *", "0,30 8-18/2 1 1 0"] {
            assert!(is_cron(good), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "* * * 13 *",
            "5-1 * * * *",
            "*/0 * * * *",
        ] {
            assert!(!is_cron(bad), "{bad}");
        }
    }

    #[test]
    fn images_are_references() {
        let digest = format!("alpine@sha256:{}", "a".repeat(64));
        for good in [
            "node:22",
            "reg.example.com:5000/a/b:1.0",
            "$CI_REGISTRY_IMAGE/x:1",
            digest.as_str(),
        ] {
            assert!(is_image(good), "{good}");
        }
        for bad in ["", "node 22", "a//b", "node:", "alpine@sha256:12", "x;rm -rf"] {
            assert!(!is_image(bad), "{bad}");
        }
    }

    #[test]
    fn paths_stay_inside_the_repository() {
        for good in [".", "web/app", "a..b/c"] {
            assert!(is_relative_path(good), "{good}");
        }
        for bad in ["/etc", "../x", "a/../../b", "~root", "a\\b"] {
            assert!(!is_relative_path(bad), "{bad}");
        }
    }
}
