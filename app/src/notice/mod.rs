//! Notifications: what concerns the reader, by thread; and what they want to be told.

pub mod api;
mod marks;
mod settings;

pub use settings::settings_page;

use crate::design::icon::{Icon, icon};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::tabs::{Tab, tabs};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::query;
use crate::tr;
use api::ReadNotices;
use leptos::prelude::*;
use marks::{Mark, Marks};
use slipway_domain::id::NoticeId;
use slipway_domain::notice::{Notice, NoticeKind, NoticePage, Thread};
use slipway_domain::time::Timestamp;

/// How many notices of a thread are shown before the rest is folded away.
const UNFOLDED: usize = 3;

/// `/notifications`.
pub fn notices_page() -> AnyView {
    let (unread, before) = (query("unread"), query("before"));
    let only_unread = move || unread().is_some();
    let marks = Marks::new();
    load(move || ReadNotices {
        unread: only_unread(),
        before: before().and_then(|before| before.parse().ok()).map(Timestamp),
    })
    .watching(|page: &NoticePage| Topics::of("person", page.person))
    .view(move |page| show(&page, only_unread(), marks))
}

fn show(page: &NoticePage, only_unread: bool, marks: Marks) -> AnyView {
    let line = match page.unread {
        0 => tr!(notice.none_unread),
        1 => tr!(notice.one_unread),
        n => tr!(notice.n_unread, n = n),
    };
    let everything: Vec<NoticeId> = page.threads.iter().flat_map(ids).collect();
    let all = (page.unread > 0).then(|| marks.form(Mark::All, everything, true, tr!(notice.read_all), "btn"));
    let actions = view! {
        {all}
        <a class="btn" href="/notifications/settings">{tr!(notice.settings)}</a>
    };
    let tab = |word: String, href: &str, current: bool| Tab {
        word,
        href: href.to_owned(),
        current,
    };
    let body = if page.threads.is_empty() {
        let title = if only_unread {
            tr!(notice.caught_up)
        } else {
            tr!(notice.nothing)
        };
        view! { <div class="box"><EmptyState title hint=tr!(notice.hint)/></div> }.into_any()
    } else {
        let threads = page
            .threads
            .iter()
            .map(|thread| show_thread(thread, marks))
            .collect_view();
        view! { <ul class="box threads">{threads}</ul> }.into_any()
    };
    let older = page.older_than.map(|before| {
        let only = if only_unread { "&unread=1" } else { "" };
        let href = format!("/notifications?before={}{only}", before.micros());
        view! { <p class="foot"><a class="btn" href=href>{tr!(notice.older)}</a></p> }
    });
    view! {
        <PageHead title=tr!(common.notifications) line=line.into_any() actions=actions.into_any()/>
        {tabs(
            tr!(common.notifications),
            vec![
                tab(tr!(notice.all), "/notifications", !only_unread),
                tab(tr!(notice.unread), "/notifications?unread=1", only_unread),
            ],
        )}
        {body}
        {older}
    }
    .into_any()
}

fn ids(thread: &Thread) -> Vec<NoticeId> {
    thread.notices.iter().map(|notice| notice.id).collect()
}

/// The sign of what the newest notice of a thread is about.
const fn sign(kind: NoticeKind) -> Icon {
    match kind {
        NoticeKind::ApprovalAsked => Icon::Waiting,
        NoticeKind::PromotionDecided => Icon::Approval,
        NoticeKind::PromotionEnded => Icon::Layers,
        NoticeKind::RunFailed => Icon::Cross,
        NoticeKind::ItemAssigned
        | NoticeKind::ItemDue
        | NoticeKind::ItemMoved
        | NoticeKind::ItemCommented
        | NoticeKind::ItemMentioned => Icon::Board,
        NoticeKind::GlassBroken | NoticeKind::OwnerNeeded | NoticeKind::DriftFound => Icon::Warning,
        NoticeKind::RoleGranted | NoticeKind::RoleRequest | NoticeKind::InvitationAccepted => Icon::People,
    }
}

fn show_thread(thread: &Thread, marks: Marks) -> AnyView {
    let unread: Vec<NoticeId> = thread
        .notices
        .iter()
        .filter(|notice| notice.read_at.is_none())
        .map(|notice| notice.id)
        .collect();
    let is_unread = {
        let unread = unread.clone();
        move || unread.iter().any(|id| !marks.has(*id))
    };
    let dot = {
        let is_unread = is_unread.clone();
        move || {
            is_unread().then(|| view! { <span class="dot"></span><span class="visually-hidden">{tr!(notice.unread_mark)}</span> })
        }
    };
    let read = (!unread.is_empty()).then(|| {
        marks.form(
            Mark::Thread(thread.key.clone()),
            unread.clone(),
            true,
            tr!(notice.read),
            "btn small",
        )
    });
    let newest = thread.notices.first().map(|notice| icon(sign(notice.kind)));
    let rows: Vec<_> = thread.notices.iter().map(|notice| row(notice, marks)).collect();
    let (first, rest) = {
        let mut rows = rows;
        let rest = rows.split_off(rows.len().min(UNFOLDED));
        (rows, rest)
    };
    let rest = (!rest.is_empty()).then(|| {
        let count = rest.len();
        view! {
            <details>
                <summary class="small muted">{tr!(notice.more, n = count)}</summary>
                <ul class="notices">{rest}</ul>
            </details>
        }
    });
    let (opened, key) = (unread, thread.key.clone());
    view! {
        <li class="thread" class:unread=is_unread>
            <span class="thread-sign">{newest}{dot}</span>
            <div class="thread-body">
                <p class="thread-head">
                    <a class="strong" href=thread.path.clone() on:click=move |_| marks.opened(&key, &opened)>{thread.subject.clone()}</a>
                    <span class="small muted">{thread.within.clone()}</span>
                </p>
                <ul class="notices">{first}</ul>
                {rest}
            </div>
            <div class="thread-read">{read}</div>
        </li>
    }
    .into_any()
}

fn row(notice: &Notice, marks: Marks) -> AnyView {
    let (id, was_unread) = (notice.id, notice.read_at.is_none());
    let toggle = if was_unread {
        marks.form(
            Mark::One(id),
            vec![id],
            true,
            tr!(notice.read_one),
            "btn quiet small",
        )
    } else {
        marks.form(
            Mark::One(id),
            vec![id],
            false,
            tr!(notice.unread_one),
            "btn quiet small",
        )
    };
    view! {
        <li class:unread=move || was_unread && !marks.has(id)>
            <span class="notice-words">{say(&notice.words)}</span>
            <span class="small muted nowrap">{time(notice.at)}</span>
            {toggle}
        </li>
    }
    .into_any()
}
