//! What the simulation's channels and pages do not do. A leader tells changes to nobody where it knows of nobody;
//! a tab that follows it and that it hears of only then learns that it has missed some: channels are seldom as
//! slow as that. And a page closes twice before the first is answered.

#![cfg(not(target_arch = "wasm32"))]

use conversation_store::tabs::{Action, Body, Event, Load, Message, PROTOCOL, Tab, TabId, Version};

/// Writes that say nothing, and changes that are numbers.
#[derive(Clone, Debug)]
struct Nothing;

impl Load for Nothing {
    type Request = ();
    type Answer = ();
    type Facts = ();
    type Change = u32;

    fn shares_commit((): &()) -> bool {
        true
    }
}

fn tab(id: &str) -> Tab<Nothing> {
    let version = Version {
        protocol: PROTOCOL,
        schema: 1,
    };
    Tab::new(TabId::from(id), version)
}

/// What is sent.
fn sent(actions: &[Action<Nothing>]) -> Vec<Body<Nothing>> {
    let body = |action: &Action<Nothing>| match action {
        Action::Send { body, .. } => Some(body.clone()),
        _ => None,
    };
    actions.iter().filter_map(body).collect()
}

fn is_welcome(body: &Body<Nothing>) -> bool {
    matches!(body, Body::Welcome { .. })
}

fn from(tab: &Tab<Nothing>, body: Body<Nothing>) -> Event<Nothing> {
    let from = tab.id().clone();
    Event::Message(Message { from, body })
}

#[test]
fn a_tab_that_is_heard_of_late_learns_that_it_missed_changes() {
    let (mut leader, mut follower) = (tab("leader"), tab("follower"));
    leader.handle(
        Event::Open {
            call: 0,
            visible: true,
        },
        0.0,
    );
    leader.handle(Event::Granted { hint: 1 }, 0.0);
    let welcome = sent(&leader.handle(Event::Opened(Ok(())), 0.0));
    let welcome = welcome.into_iter().find(is_welcome).unwrap();

    // It follows; its word of that is on its way.
    follower.handle(
        Event::Open {
            call: 0,
            visible: true,
        },
        0.0,
    );
    let presence = sent(&follower.handle(from(&leader, welcome), 0.0));
    let presence = presence
        .into_iter()
        .find(|body| matches!(body, Body::Presence { .. }))
        .unwrap();

    let request = Event::Request {
        call: 1,
        request: (),
        timeout: 1_000.0,
    };
    leader.handle(request, 0.0);
    let actions = leader.handle(Event::Turn, 0.0);
    let run = actions.iter().find_map(|action| match action {
        Action::Run { run, .. } => Some(*run),
        _ => None,
    });
    let ran = Event::Ran {
        run: run.unwrap(),
        answers: vec![Ok(())],
        changes: vec![7],
    };
    leader.handle(ran, 0.0);
    let told = sent(&leader.handle(Event::Flush, 0.0));
    assert!(told.is_empty(), "there is nobody: {told:?}");

    let welcome = sent(&leader.handle(from(&follower, presence), 0.0));
    let welcome = welcome.into_iter().find(is_welcome).unwrap();
    let actions = follower.handle(from(&leader, welcome.clone()), 0.0);
    let changes = |action: &Action<Nothing>| match action {
        Action::Changes {
            sequence, reset, ..
        } => Some((*sequence, *reset)),
        _ => None,
    };
    let told: Vec<_> = actions.iter().filter_map(changes).collect();
    assert_eq!(told, [(1, true)]);

    // Said again it tells nothing new, and from now on the leader knows of it.
    let again = follower.handle(from(&leader, welcome), 0.0);
    assert_eq!(again.iter().filter_map(changes).count(), 0);
}

#[test]
fn a_stranger_that_takes_this_tabs_name_for_another_version_is_nobody() {
    let mut tab = tab("tab");
    for (protocol, schema) in [(PROTOCOL, 0), (PROTOCOL + 1, 9)] {
        let event = Event::OtherVersion {
            from: TabId::from("tab"),
            version: Version { protocol, schema },
        };
        let actions = tab.handle(event, 0.0);
        assert!(actions.is_empty(), "{actions:?}");
        assert!(!tab.is_outdated());
    }
}

#[test]
fn each_call_that_closes_is_answered() {
    let mut tab = tab("leader");
    let visible = true;
    tab.handle(Event::Open { call: 1, visible }, 0.0);
    tab.handle(Event::Granted { hint: 1 }, 0.0);
    let mut actions = tab.handle(Event::Close { call: 2 }, 0.0);
    actions.extend(tab.handle(Event::Close { call: 3 }, 0.0));
    actions.extend(tab.handle(Event::Opened(Ok(())), 0.0));
    actions.extend(tab.handle(Event::Turn, 0.0));
    actions.extend(tab.handle(Event::Closed, 0.0));
    actions.extend(tab.handle(Event::Close { call: 4 }, 0.0));
    let answered = actions.iter().filter_map(|action| match action {
        Action::Answer { call, answer } => Some((*call, answer.is_ok())),
        _ => None,
    });
    let answered: Vec<_> = answered.filter(|(call, _)| *call > 1).collect();
    assert_eq!(answered, [(2, true), (3, true), (4, true)]);
}
