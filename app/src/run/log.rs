//! A job's log: 500 lines at a time, sections that fold, links to lines, and the end followed while the
//! job runs.

use super::api::{PlayJob, RetryJob};
use super::{WINDOW, place_fields};
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden};
use crate::i18n::say;
use crate::places::encode;
use crate::tr;
use leptos::ev;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::log::{Color, LogLine, Span};
use slipway_domain::run::{JobRow, LogWindow, RunStatus, RunView};

/// Lines that stand above a line that one jumps to.
const ABOVE: usize = 20;

/// Whether the end of the log is kept in sight: until the reader scrolls away from it.
#[derive(Clone, Copy)]
pub struct Follow {
    #[cfg(feature = "hydrate")]
    stick: StoredValue<bool>,
}

impl Follow {
    pub fn new() -> Self {
        Self {
            #[cfg(feature = "hydrate")]
            stick: StoredValue::new(true),
        }
    }
}

/// The log of `job`. `pinned` says that the address names a window, so that the end is not followed.
pub fn pane(run: &RunView, job: &JobRow, window: &LogWindow, pinned: bool, follow: Follow) -> AnyView {
    let lines = blocks(&window.lines, job, window);
    let body = if let Some(trouble) = &window.trouble {
        view! { <p class="log-note">{say(trouble)}</p> }.into_any()
    } else if window.lines.is_empty() {
        let words = if window.complete {
            tr!(run.log_empty)
        } else {
            waiting(job)
        };
        view! { <p class="log-note">{words}</p> }.into_any()
    } else {
        lines.into_any()
    };
    let live = !window.complete && !pinned;
    if live {
        follow.to_end();
    }
    view! {
        <section class="run-log" aria-label=tr!(run.log_of, job = job.name.clone())>
            {header(run, job, window)}
            <div class="log" id="log" tabindex="0" role="group" aria-label=tr!(run.log_of, job = job.name.clone()) on:scroll=move |ev| follow.scrolled(&ev)>
                {earlier(job, window)}
                {body}
                {later(job, window, pinned)}
            </div>
        </section>
    }
    .into_any()
}

fn waiting(job: &JobRow) -> String {
    job.reason.as_ref().map_or_else(|| tr!(run.log_waits), say)
}

fn header(run: &RunView, job: &JobRow, window: &LogWindow) -> AnyView {
    let runner = job.runner.as_ref().map(|runner| format!(" · {runner}"));
    let reason = job
        .reason
        .as_ref()
        .map(|reason| view! { <span class="small fault">{say(reason)}</span> });
    let error = window.first_error.map(|line| {
        view! { <a class="btn small" href=to_line(job, line)>{tr!(run.first_error)}</a> }
    });
    let fields = || {
        view! {
            {place_fields(&run.place)}
            {hidden("number", run.run.number.to_string())}
            {hidden("job", job.id.to_string())}
        }
    };
    let play = (job.playable && run.may_run).then(|| {
        let fields = view! { {fields()}{submit(Weight::Primary, tr!(run.play))} };
        view! { <Form action=PlayJob::PATH class="" done=tr!(run.played)>{fields}</Form> }
    });
    let ended = matches!(
        job.status,
        RunStatus::Failed | RunStatus::Canceled | RunStatus::Success
    );
    let retry = (ended && run.may_run).then(|| {
        let fields =
            view! { {fields()}<button type="submit" class="btn small">{tr!(run.retry_job)}</button> };
        view! { <Form action=RetryJob::PATH class="" done=tr!(run.retried)>{fields}</Form> }
    });
    let files = run.with_files.contains(&job.id).then(|| {
        let href = format!(
            "{}/runs/{}/jobs/{}/files",
            run.place.path(),
            run.run.number,
            job.id
        );
        view! { <a class="btn small" href=href>{tr!(run.files)}</a> }
    });
    let download = (window.total > 0).then(|| {
        let href = format!(
            "/api/v1{}/runs/{}/jobs/{}/log",
            run.place.path(),
            run.run.number,
            job.id
        );
        view! { <a class="btn small" href=href download rel="external">{tr!(run.download)}</a> }
    });
    view! {
        <header class="run-log-head">
            <h2 class="small">{job.name.clone()}<span class="muted">{runner}</span></h2>
            {reason}
            <span class="row wrap end">{play}{retry}{files}{download}{error}{find_field()}</span>
        </header>
    }
    .into_any()
}

/// Finds in the lines that are shown.
fn find_field() -> AnyView {
    view! {
        <input
            class="input find needs-js" type="search" placeholder=tr!(run.find) aria-label=tr!(run.find_help)
            title=tr!(run.find_help) on:keydown=move |ev: ev::KeyboardEvent| find(&ev)
        />
    }
    .into_any()
}

fn window_from(job: &JobRow, from: usize) -> String {
    format!("?job={}&from={from}", encode(&job.name))
}

/// The address of a line, with some lines above it.
fn to_line(job: &JobRow, line: usize) -> String {
    format!("{}#L{line}", window_from(job, line.saturating_sub(ABOVE).max(1)))
}

fn earlier(job: &JobRow, window: &LogWindow) -> Option<AnyView> {
    (window.first > 1).then(|| {
        let href = window_from(job, window.first.saturating_sub(WINDOW).max(1));
        view! { <p class="log-note"><a class="link" href=href>{tr!(run.earlier, n = window.first - 1)}</a></p> }.into_any()
    })
}

fn later(job: &JobRow, window: &LogWindow, pinned: bool) -> Option<AnyView> {
    let last = (window.first + window.lines.len()).saturating_sub(1);
    let more = window.total.saturating_sub(last);
    let follow = || view! { <a class="link" href=super::jobs::href(job)>{tr!(run.to_end)}</a> };
    if more > 0 {
        let href = window_from(job, last + 1);
        return Some(
            view! { <p class="log-note row wrap"><a class="link" href=href>{tr!(run.later, n = more)}</a>{follow()}</p> }.into_any(),
        );
    }
    (pinned && !window.complete).then(|| view! { <p class="log-note">{follow()}</p> }.into_any())
}

/// Stretches of lines of one section, one after the other; those with their head fold.
fn blocks(lines: &[LogLine], job: &JobRow, window: &LogWindow) -> Vec<AnyView> {
    let mut blocks = Vec::new();
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let same = rest
            .iter()
            .skip(1)
            .take_while(|line| line.section == first.section && line.opens.is_none());
        let (block, after) = rest.split_at(1 + same.count());
        blocks.push(self::block(block, job, window));
        rest = after;
    }
    blocks
}

fn block(lines: &[LogLine], job: &JobRow, window: &LogWindow) -> AnyView {
    let rows = |lines: &[LogLine]| lines.iter().map(|one| line(one, job, window)).collect::<Vec<_>>();
    let Some((head, opens)) = lines.first().and_then(|line| Some((line, line.opens.as_ref()?))) else {
        return rows(lines).into_any();
    };
    let holds_error = window
        .first_error
        .is_some_and(|error| lines.iter().any(|line| line.number == error));
    let name = if head.spans.is_empty() {
        opens.name.replace('_', " ")
    } else {
        head.text()
    };
    view! {
        <details open=!opens.collapsed || holds_error>
            <summary class="l sec" id=format!("L{}", head.number)>
                <span class="n">{head.number}</span>
                <span class="t">{name}</span>
            </summary>
            {rows(&lines[1..])}
        </details>
    }
    .into_any()
}

fn line(line: &LogLine, job: &JobRow, window: &LogWindow) -> AnyView {
    let class = if window.first_error == Some(line.number) {
        "l e"
    } else {
        "l"
    };
    let href = format!("{}#L{}", window_from(job, window.first), line.number);
    view! {
        <div class=class id=format!("L{}", line.number)>
            <a class="n" href=href>{line.number}</a>
            <span class="t">{line.spans.iter().map(span).collect::<Vec<_>>()}</span>
        </div>
    }
    .into_any()
}

fn span(span: &Span) -> AnyView {
    let style = &span.style;
    let mut class = String::new();
    let mut add = |name: &str| {
        class.push_str(name);
        class.push(' ');
    };
    if let Some(color) = style.fg {
        add(&format!("f{}", named(color)));
    }
    if let Some(color) = style.bg {
        add(&format!("g{}", named(color)));
    }
    for (on, name) in [
        (style.bold, "bo"),
        (style.dim, "di"),
        (style.italic, "it"),
        (style.underline, "un"),
    ] {
        if on {
            add(name);
        }
    }
    if class.is_empty() {
        return span.text.clone().into_any();
    }
    view! { <span class=class>{span.text.clone()}</span> }.into_any()
}

/// The nearest of the 16 colors that the theme names: the page's policy allows no inline styles.
fn named(color: Color) -> u8 {
    match color {
        Color::Named(n) => n & 15,
        Color::Rgb(r, g, b) => {
            let most = r.max(g).max(b);
            if most < 48 {
                return 0;
            }
            let bit = |part: u8, bit: u8| {
                if u16::from(part) * 3 >= u16::from(most) * 2 {
                    bit
                } else {
                    0
                }
            };
            let hue = bit(r, 1) | bit(g, 2) | bit(b, 4);
            if most >= 200 { hue | 8 } else { hue }
        }
    }
}

#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_self, reason = "the same shape as in the browser")]
impl Follow {
    const fn to_end(self) {}
    const fn scrolled(self, _ev: &ev::Event) {}
}

#[cfg(not(feature = "hydrate"))]
const fn find(_ev: &ev::KeyboardEvent) {}

#[cfg(feature = "hydrate")]
mod browser {
    use super::Follow;
    use leptos::ev;
    use leptos::prelude::*;
    use wasm_bindgen::JsCast;

    impl Follow {
        /// Shows the end, after the page has been drawn.
        pub(super) fn to_end(self) {
            request_animation_frame(move || {
                let log = document().get_element_by_id("log");
                if let Some(log) = log.filter(|_| self.stick.try_get_value() == Some(true)) {
                    log.set_scroll_top(log.scroll_height());
                }
            });
        }

        pub(super) fn scrolled(self, ev: &ev::Event) {
            let log = ev
                .current_target()
                .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            if let Some(log) = log {
                self.stick
                    .set_value(log.scroll_height() - log.scroll_top() - log.client_height() < 24);
            }
        }
    }

    /// Goes to the next line that contains what is typed, from the line that was found last.
    pub(super) fn find(ev: &ev::KeyboardEvent) {
        if ev.key() != "Enter" {
            return;
        }
        ev.prevent_default();
        let needle = event_target_value(ev).to_lowercase();
        let Ok(lines) = document().query_selector_all("#log .l") else {
            return;
        };
        let lines: Vec<web_sys::Element> = (0..lines.length())
            .filter_map(|index| lines.get(index)?.dyn_into().ok())
            .collect();
        let last = lines.iter().position(|line| line.class_list().contains("hit"));
        if let Some(last) = last {
            let _ = lines[last].class_list().remove_1("hit");
        }
        let start = last.map_or(0, |last| last + 1);
        let holds = |line: &&web_sys::Element| {
            !needle.is_empty()
                && line
                    .text_content()
                    .is_some_and(|text| text.to_lowercase().contains(&needle))
        };
        let found = lines[start..].iter().chain(&lines[..start]).find(holds);
        if let Some(found) = found {
            if let Ok(Some(section)) = found.closest("details") {
                let _ = section.set_attribute("open", "");
            }
            let _ = found.class_list().add_1("hit");
            found.scroll_into_view();
        }
    }
}

#[cfg(feature = "hydrate")]
use browser::find;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_of_programs_come_down_to_the_sixteen_of_the_theme() {
        assert_eq!(named(Color::Named(9)), 9);
        assert_eq!(named(Color::Rgb(255, 80, 80)), 9);
        assert_eq!(named(Color::Rgb(0, 160, 0)), 2);
        assert_eq!(named(Color::Rgb(240, 240, 240)), 15);
        assert_eq!(named(Color::Rgb(10, 10, 10)), 0);
    }
}
