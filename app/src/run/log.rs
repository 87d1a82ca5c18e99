//! A job's log: 500 lines at a time, sections that fold, links to lines, and the end followed while the
//! job runs.

use super::api::{PlayJob, RetryJob};
use super::{WINDOW, place_fields};
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden};
use crate::i18n::say;
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::log::{Color, LogLine, Span};
use slipway_domain::run::{JobRow, LogMatches, LogWindow, RunStatus, RunView};

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
    if window.found.as_ref().is_some_and(|found| found.line > 0) {
        to_found();
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
            <span class="row wrap end">{play}{retry}{files}{download}{error}{find_form(job, window)}</span>
        </header>
    }
    .into_any()
}

/// Finds in the whole log: a plain form, whose answer begins a little above the line.
fn find_form(job: &JobRow, window: &LogWindow) -> AnyView {
    let text = window
        .found
        .as_ref()
        .map(|found| found.text.clone())
        .unwrap_or_default();
    let answer = window.found.as_ref().map(|found| answer(job, found));
    let name = job.name.clone();
    view! {
        <form method="get" role="search" class="row wrap" on:submit=submitted(job)>
            <input type="hidden" name="job" value=name/>
            <input class="input find" type="search" name="find" value=text placeholder=tr!(run.find) aria-label=tr!(run.find_help) title=tr!(run.find_help)/>
            {answer}
        </form>
    }
    .into_any()
}

/// `3 of 12`, and the ways to the one before and the next.
fn answer(job: &JobRow, found: &LogMatches) -> AnyView {
    if found.count == 0 {
        return view! { <span class="small fault" role="status">{tr!(run.find_nothing)}</span> }.into_any();
    }
    let count = tr!(run.find_count, at = found.at, n = found.count);
    let to = |nth: usize, sign: &'static str, word: String| {
        let href = format!("{}&nth={nth}", found_from(job, &found.text));
        view! { <a class="btn small" href=href aria-label=word.clone() title=word>{sign}</a> }
    };
    view! {
        <span class="small" role="status">{count}</span>
        {to(found.at - 1, "↑", tr!(run.find_before))}
        {to(found.at + 1, "↓", tr!(run.find_next))}
    }
    .into_any()
}

fn found_from(job: &JobRow, text: &str) -> String {
    format!("?job={}&find={}", encode(&job.name), encode(text))
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
    let holds = |number: usize| lines.iter().any(|line| line.number == number);
    let holds_error =
        window.first_error.is_some_and(holds) || window.found.as_ref().is_some_and(|found| holds(found.line));
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
    let is_found = window
        .found
        .as_ref()
        .is_some_and(|found| found.line == line.number);
    let class = match (is_found, window.first_error == Some(line.number)) {
        (true, _) => "l found",
        (false, true) => "l e",
        (false, false) => "l",
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
    const fn scrolled(self, _ev: &leptos::ev::Event) {}
}

#[cfg(not(feature = "hydrate"))]
const fn to_found() {}

#[cfg(not(feature = "hydrate"))]
fn submitted(_job: &JobRow) -> impl Fn(leptos::ev::SubmitEvent) + 'static {
    |_| {}
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{Follow, JobRow, found_from};
    use leptos::ev;
    use leptos::prelude::*;
    use leptos_router::NavigateOptions;
    use leptos_router::hooks::use_navigate;
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

    /// Brings the line that was found into sight, after the page has been drawn.
    pub(super) fn to_found() {
        request_animation_frame(|| {
            if let Ok(Some(line)) = document().query_selector("#log .found") {
                line.scroll_into_view();
            }
        });
    }

    /// Goes to the answer without loading the page again.
    pub(super) fn submitted(job: &JobRow) -> impl Fn(ev::SubmitEvent) + 'static {
        let navigate = use_navigate();
        let job = job.clone();
        move |ev| {
            let form = ev
                .target()
                .and_then(|target| target.dyn_into::<web_sys::HtmlFormElement>().ok());
            let data = form.and_then(|form| web_sys::FormData::new_with_form(&form).ok());
            let Some(text) = data.and_then(|data| data.get("find").as_string()) else {
                return;
            };
            ev.prevent_default();
            let options = NavigateOptions {
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&found_from(&job, &text), options);
        }
    }
}

#[cfg(feature = "hydrate")]
use browser::{submitted, to_found};

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
