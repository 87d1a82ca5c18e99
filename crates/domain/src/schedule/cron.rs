//! When a schedule runs: five fields as GitLab reads them, by the clocks of a zone.
//!
//! A time is every minute whose local date and time fit. So a time that the clocks jump over in spring does not come
//! that day, and one that they show twice in autumn comes twice: that is how GitLab counts.

use super::NextTime;
use crate::text::Text;
use crate::time::Timestamp;
use cronexpr::{Crontab, MakeTimestamp, parse_crontab};
use jiff::tz::TimeZone;

/// A cron expression in its zone.
#[derive(Clone, Debug)]
pub struct Cron {
    crontab: Crontab,
    zone: TimeZone,
}

/// What is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CronError {
    /// With the expression.
    pub cron: Option<Text>,
    /// With the zone.
    pub zone: Option<Text>,
}

/// A field: what it is called, what it takes, the text that stands for all of it with a step.
struct Field {
    en: &'static str,
    zh: &'static str,
    takes: &'static str,
    names: &'static [&'static str],
    whole: &'static str,
}

const FIELDS: [Field; 5] = [
    Field {
        en: "minute",
        zh: "分钟",
        takes: "0-59",
        names: &[],
        whole: "0-59",
    },
    Field {
        en: "hour",
        zh: "小时",
        takes: "0-23",
        names: &[],
        whole: "0-23",
    },
    Field {
        en: "day of the month",
        zh: "日",
        takes: "1-31",
        names: &[],
        whole: "1-31",
    },
    Field {
        en: "month",
        zh: "月",
        takes: "1-12, JAN-DEC",
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
        whole: "1-12",
    },
    Field {
        en: "day of the week",
        zh: "星期",
        takes: "0-7, SUN-SAT",
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
        whole: "0-6",
    },
];

impl Cron {
    /// Reads an expression of five fields and a zone of the IANA time zone database.
    ///
    /// # Errors
    /// What is wrong with which of them, and what to write.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, CronError> {
        let fields = fields(cron);
        let found = find_zone(zone);
        match (fields, found) {
            (Ok(fields), Ok(zone)) => {
                let name = zone.iana_name().unwrap_or("UTC");
                match parse_crontab(&format!("{} {name}", fields.join(" "))) {
                    Ok(crontab) => Ok(Self { crontab, zone }),
                    Err(_) => Err(CronError {
                        cron: Some(shape()),
                        zone: None,
                    }),
                }
            }
            (cron, zone) => Err(CronError {
                cron: cron.err(),
                zone: zone.err(),
            }),
        }
    }

    /// The name of the zone as the database writes it.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The next `count` times after `now`; fewer where there are none within four years.
    pub fn next(&self, now: Timestamp, count: usize) -> Vec<NextTime> {
        let mut times = Vec::new();
        let Ok(mut after) = jiff::Timestamp::from_microsecond(now.micros()) else {
            return times;
        };
        while times.len() < count {
            let Ok(next) = self.crontab.find_next(MakeTimestamp(after)) else {
                break;
            };
            after = next.timestamp();
            times.push(NextTime {
                at: Timestamp(after.as_microsecond()),
                local: next.strftime("%Y-%m-%d %H:%M %:z").to_string(),
            });
        }
        times
    }
}

fn find_zone(name: &str) -> Result<TimeZone, Text> {
    let wrong = || {
        Text::new(
            "name a time zone as in UTC, Asia/Shanghai or Europe/Berlin",
            "请填写时区名称，例如 UTC、Asia/Shanghai 或 Europe/Berlin",
        )
    };
    let zone = TimeZone::get(name.trim()).map_err(|_| wrong())?;
    if zone.iana_name().is_none() {
        return Err(wrong());
    }
    Ok(zone)
}

/// The fields, as the reader takes them.
fn fields(cron: &str) -> Result<Vec<String>, Text> {
    let given: Vec<&str> = cron.split_whitespace().collect();
    if given.len() != FIELDS.len() {
        return Err(shape());
    }
    let mut read = Vec::new();
    for (field, text) in FIELDS.iter().zip(given) {
        let ready = field.plain(text);
        let mut probe = ["*"; 5].map(String::from);
        let place = read.len();
        probe[place].clone_from(&ready);
        if !field.takes(text) || parse_crontab(&format!("{} UTC", probe.join(" "))).is_err() {
            return Err(field.wrong(text));
        }
        read.push(ready);
    }
    Ok(read)
}

fn shape() -> Text {
    Text::new(
        "write five fields: minute, hour, day of the month, month, day of the week; as in 30 2 * * 1-5",
        "请填写五个字段：分钟 小时 日 月 星期，例如 30 2 * * 1-5",
    )
}

impl Field {
    /// Only numbers, the field's names, and `* , - /`: what else this reader knows, GitLab does not.
    fn takes(&self, text: &str) -> bool {
        text.split(['*', ',', '-', '/']).all(|word| {
            word.bytes().all(|b| b.is_ascii_digit()) || self.names.contains(&&*word.to_ascii_lowercase())
        })
    }

    /// `*/2` written out: in a day that is a choice of days, not all of them.
    fn plain(&self, text: &str) -> String {
        text.split(',')
            .map(|item| match item.strip_prefix("*/") {
                Some(step) => format!("{}/{step}", self.whole),
                None => item.to_owned(),
            })
            .collect::<Vec<_>>()
            .join(",")
    }

    fn wrong(&self, text: &str) -> Text {
        let text: String = text.chars().take(40).collect();
        Text::new(
            format!(
                "“{text}” is no {}: it takes {}, *, lists as in 1,3, ranges as in 1-3, and steps as in */2",
                self.en, self.takes
            ),
            format!(
                "“{text}”不是合法的{}：可填 {}、*、列表（1,3）、范围（1-3）和步长（*/2）",
                self.zh, self.takes
            ),
        )
    }
}
