//! The world as a whole: same seed same world, counts as planned, and every story visible in plain counts.

use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

use super::arrivals::LONGEST_SESSION;
use super::models::{COUNT, MODELS};
use super::stories::{DRIFTS, STORIES};
use super::traffic::LATEST_FEEDBACK_MS;
use super::world::{DAY_MS, UNMANAGED};
use super::*;
use crate::domain::call::{Call, HOUR_MS, Millis};
use crate::domain::event::Event;
use crate::domain::feedback::{Signal, Source};

/// 2026-11-22T00:00:00Z, a Sunday.
const END: Millis = 1_795_305_600_000;

fn plan(seed: u64, calls: u64) -> Plan {
    Plan { seed, calls, ..Plan::standard(END) }
}

fn hash(world: &World) -> u64 {
    let mut hasher = Xxh3::new();
    for event in world.traffic() {
        match event {
            Event::Call(c) => {
                (&c.provenance_id, c.at, &c.prompts, &c.model, c.input_tokens, c.output_tokens)
                    .hash(&mut hasher);
                (c.cached_tokens, c.cost, c.duration_us, c.ttft_us, &c.error, &c.session, &c.user)
                    .hash(&mut hasher);
            }
            Event::Feedback(f) => {
                (&f.id, f.target.alias, f.signal, f.source, &f.detail, f.at).hash(&mut hasher);
            }
        }
    }
    for publication in world.prompts() {
        (publication.uri, publication.text, publication.published_at, publication.active_from)
            .hash(&mut hasher);
    }
    hasher.finish()
}

#[test]
fn the_same_plan_is_the_same_world() {
    let first = hash(&World::new(plan(1, 8_000)));
    assert_eq!(first, hash(&World::new(plan(1, 8_000))));
    assert_ne!(first, hash(&World::new(plan(2, 8_000))));
}

#[test]
fn calls_are_exactly_as_planned_in_time_order_with_unique_ids() {
    for (prompts, calls, days) in [(60, 30_000, 30), (60, 30_000, 1), (5, 7, 3), (400, 5_001, 9), (60, 0, 2)]
    {
        let plan = Plan { prompts, calls, days, ..plan(3, 0) };
        let world = World::new(plan);
        let (mut counted, mut last, mut ids) = (0, plan.start(), HashSet::new());
        let mut sessions: HashMap<String, u32> = HashMap::new();
        for event in world.traffic() {
            assert!(event.at() >= last && event.at() < plan.end, "{event:?} after {last}");
            last = event.at();
            match event {
                Event::Call(call) => {
                    counted += 1;
                    assert!(call.provenance_id.len() <= 12);
                    assert!(ids.insert(call.provenance_id));
                    let session = call.session.expect("every call has a session");
                    assert!(session.len() <= 8);
                    *sessions.entry(session).or_default() += 1;
                }
                Event::Feedback(feedback) => {
                    assert!(ids.contains(&feedback.target.text), "feedback before its call");
                }
            }
        }
        assert_eq!(counted, calls, "{plan:?}");
        assert!(sessions.values().all(|n| *n <= LONGEST_SESSION));
        assert_eq!(world.prompts().map(|p| p.uri.unversioned()).collect::<HashSet<_>>().len(), prompts);
    }
}

#[test]
fn texts_differ_and_bases_come_first() {
    let world = World::new(Plan { prompts: 500, ..plan(1, 0) });
    let (mut texts, mut keys, mut last) = (HashSet::new(), HashSet::new(), Millis::MIN);
    for publication in world.prompts() {
        assert!(publication.published_at >= last && publication.published_at <= publication.active_from);
        last = publication.published_at;
        assert!(publication.active_from < END);
        let (head, body) = publication.text.split_once("\n---\n").expect("front matter");
        assert!(texts.insert(body.to_owned()), "{} repeats a text", publication.uri);
        let field = |name: &str| head.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
        assert_eq!(field("name"), Some(publication.uri.key.as_str()));
        assert_eq!(field("human.scope"), Some(publication.uri.scope().as_str()));
        assert_eq!(
            field("human.version"),
            publication.uri.version.as_ref().map(ToString::to_string).as_deref()
        );
        assert!(
            field("human.extends").is_none_or(|base| keys.contains(base)),
            "{} before its base",
            publication.uri
        );
        keys.insert(publication.uri.key.as_str().to_owned());
    }
    assert!(texts.len() > 500);
}

#[test]
fn calls_name_the_active_version_and_all_layers() {
    let world = World::new(plan(5, 40_000));
    let mut active: HashMap<String, Vec<(Millis, String)>> = HashMap::new();
    for p in world.prompts() {
        let version = p.uri.version.as_ref().expect("versioned").to_string();
        active.entry(p.uri.unversioned().to_string()).or_default().push((p.active_from, version));
    }
    let mut deepest = 0;
    for event in world.traffic() {
        let Event::Call(Call { at, prompts: Some(used), .. }) = event else { continue };
        assert_eq!(used.layers.len(), used.prompt_uris.len());
        deepest = deepest.max(used.layers.len());
        for layer in &used.layers {
            let versions = &active[&layer.uri.unversioned().to_string()];
            let now = versions.iter().rfind(|(from, _)| *from <= at).expect("published before it is called");
            assert_eq!(now.1, layer.version.to_string(), "{} at {at}", layer.uri);
        }
    }
    assert_eq!(deepest, 3, "a core prompt, an overlay and a patch");
}

#[test]
fn memory_is_bounded() {
    let plan = Plan { days: 10, ..plan(9, 100_000) };
    let world = World::new(plan);
    let mut traffic = world.traffic();
    let (mut pending, mut open) = (0, 0);
    while traffic.next().is_some() {
        pending = pending.max(traffic.pending());
        open = open.max(traffic.open_sessions());
    }
    // At most 12 % of the calls of the longest delay are judged at all, and most signals are quick.
    let per_delay = plan.calls * LATEST_FEEDBACK_MS as u64 / (10 * DAY_MS as u64);
    assert!(pending > 0 && (pending as u64) < per_delay / 100, "{pending}");
    assert!(open < 200, "{open}");
}

#[test]
fn a_live_stream_goes_on_at_its_rate_with_ids_of_its_own() {
    let world = World::new(plan(1, 3_000));
    let ids = |events: Vec<Event>| -> HashSet<String> {
        let id = |e| match e {
            Event::Call(c) => c.provenance_id,
            Event::Feedback(f) => f.id,
        };
        events.into_iter().map(id).collect()
    };
    let live: Vec<Event> = world.live(END, 50.0).take_while(|e| e.at() < END + 120_000).collect();
    let again: Vec<Event> = world.live(END + 60_000, 50.0).take(3_000).collect();
    assert!(live.is_sorted_by_key(Event::at) && live[0].at() >= END);
    let calls = live.iter().filter(|e| matches!(e, Event::Call(_))).count();
    assert!((5_200..6_800).contains(&calls), "{calls}");
    let (past, live, again) = (ids(world.traffic().collect()), ids(live), ids(again));
    assert!(past.is_disjoint(&live) && past.is_disjoint(&again) && live.is_disjoint(&again));
}

/// Plain counts of one prompt (by key; as the topmost layer) in one stretch of time.
#[derive(Debug, Default, Clone)]
struct Tally {
    calls: u64,
    failed: u64,
    tokens: u64,
    cost: i64,
    micros: u64,
    signals: [u64; 4],
    sources: [u64; 3],
    models: [u64; COUNT],
    on: [[u64; 2]; COUNT],
}

impl Tally {
    fn share(&self, signal: Signal) -> f64 {
        self.signals[signal as usize] as f64 / self.units()
    }
    fn units(&self) -> f64 {
        self.signals.iter().sum::<u64>() as f64
    }
    fn unhappy(&self) -> f64 {
        1.0 - self.share(Signal::Positive)
    }
    fn unhappy_on(&self, model: usize) -> f64 {
        self.on[model][1] as f64 / (self.on[model][0] + self.on[model][1]) as f64
    }
    fn each(&self, sum: u64) -> f64 {
        sum as f64 / (self.calls - self.failed) as f64
    }
}

/// Tallies by key and by whether the call began at or after `turn(key)`.
fn tally(world: &World, turn: impl Fn(&str) -> Millis) -> HashMap<(String, bool), Tally> {
    let mut all: HashMap<(String, bool), Tally> = HashMap::new();
    let mut judged: HashMap<String, ((String, bool), usize)> = HashMap::new();
    for event in world.traffic() {
        match event {
            Event::Call(call) => {
                let key =
                    call.prompts.as_ref().and_then(|p| p.layers.last()).map_or("", |l| l.uri.key.as_str());
                let at = (key.to_owned(), call.at >= turn(key));
                let model = models::by_name(&call.model).expect("one of the six");
                judged.insert(call.provenance_id, (at.clone(), model));
                let tally = all.entry(at).or_default();
                tally.calls += 1;
                tally.failed += u64::from(!call.ok);
                tally.tokens += u64::from(call.input_tokens.unwrap_or(0) + call.output_tokens.unwrap_or(0));
                tally.cost += call.cost.unwrap_or(0);
                tally.micros += if call.ok { call.duration_us.unwrap_or(0) } else { 0 };
                tally.models[model] += 1;
            }
            Event::Feedback(feedback) => {
                let (at, model) = &judged[&feedback.target.text];
                let tally = all.get_mut(at).expect("its call was counted");
                let signal = feedback.signal.expect("every signal is known");
                tally.signals[signal as usize] += 1;
                tally.sources[feedback.source as usize] += 1;
                tally.on[*model][usize::from(signal != Signal::Positive)] += 1;
            }
        }
    }
    all
}

#[test]
fn the_stories_show_in_plain_counts() {
    let world = World::new(plan(1, 400_000));
    let turns: HashMap<&str, Millis> = STORIES
        .iter()
        .filter_map(|(key, plot)| match plot {
            stories::Plot::NewVersion { at, .. }
            | stories::Plot::MovesTo { at, .. }
            | stories::Plot::JudgedByAgents { at, .. } => Some((*key, world.plan().hour_at(*at))),
            _ => None,
        })
        .collect();
    let silent = world.plan().hour_at(DRIFTS[0].from);
    let tallies = tally(&world, |key| turns.get(key).copied().unwrap_or(silent));
    let before = |key: &str| tallies[&(key.to_owned(), false)].clone();
    let after = |key: &str| tallies[&(key.to_owned(), true)].clone();
    let total = |keys: &[&str], late: bool| -> (f64, f64) {
        let each = keys.iter().map(|k| &tallies[&((*k).to_owned(), late)]);
        let (bad, all) = each.fold((0.0, 0.0), |(b, n), t| (b + t.unhappy() * t.units(), n + t.units()));
        (bad / all, all)
    };

    // Degrading by a new text.
    assert!(after("support.refund-reply").unhappy() > 2.0 * before("support.refund-reply").unhappy());
    assert!(
        after("extraction.invoice-fields").unhappy() > 1.7 * before("extraction.invoice-fields").unhappy()
    );
    // By traffic that moves to a weaker model, and only that.
    let (early, late) = (before("summarize.call-notes"), after("summarize.call-notes"));
    assert!(late.unhappy() > 1.6 * early.unhappy(), "{early:?} {late:?}");
    assert!(late.models[models::HAIKU] > late.calls / 2 && early.models[models::HAIKU] < early.calls / 5);
    // By a model that changed.
    let on_llama = [
        "classify.ticket-priority",
        "classify.content-risk",
        "classify.expense-category",
        "summarize.ticket-history",
    ];
    let (early, late) = (total(&on_llama, false), total(&on_llama, true));
    assert!(late.0 > 1.6 * early.0, "{early:?} {late:?}");
    // Improving.
    assert!(after("support.order-status").unhappy() < 0.6 * before("support.order-status").unhappy());
    // Judged by others, but no worse.
    let (early, late) = (before("classify.email-intent"), after("classify.email-intent"));
    let by_agents = |t: &Tally| t.sources[Source::Agent as usize] as f64 / t.units();
    assert!(by_agents(&late) > 0.55 && by_agents(&early) < 0.40);
    assert!(late.unhappy() < early.unhappy() + 0.05);

    // Costly: at least three times the tokens of the median peer.
    for (key, task) in [("code.review-pull-request", "code."), ("analysis.market-brief", "analysis.")] {
        let mut peers: Vec<f64> = tallies
            .iter()
            .filter(|((k, late), _)| k.starts_with(task) && !late)
            .map(|(_, t)| t.each(t.tokens))
            .collect();
        peers.sort_by(f64::total_cmp);
        assert!(before(key).each(before(key).tokens) > 3.0 * peers[peers.len() / 2], "{key} {peers:?}");
    }
    // Unclear.
    for key in ["support.triage-intake", "draft.release-notes"] {
        assert!(before(key).share(Signal::Rephrase) > 0.25, "{key}");
    }
    // Poor.
    assert!(before("analysis.vendor-risk").share(Signal::Negative) > 0.25);
    assert!(before("finance.variance-note").share(Signal::Correction) > 0.20);
    // On the wrong model.
    let explain = before("code.explain-diff");
    assert!(explain.models[models::GPT_4O_MINI] > explain.calls * 7 / 10);
    assert!(explain.unhappy_on(models::GPT_4O_MINI) > explain.unhappy_on(models::SONNET) + 0.1);
    let resume = before("extraction.resume-profile");
    assert!(resume.unhappy_on(models::GEMINI) > resume.unhappy_on(models::GPT_4O_MINI) + 0.08);
    // Failing.
    let manifest = before("extraction.shipping-manifest");
    assert!(manifest.failed as f64 > 0.07 * manifest.calls as f64);
    // Thin.
    for (key, plot) in STORIES {
        if let stories::Plot::Thin(calls) = plot {
            let both =
                [false, true].map(|late| tallies.get(&((*key).to_owned(), late)).map_or(0, |t| t.calls));
            assert_eq!(both[0] + both[1], u64::from(*calls), "{key}");
        }
    }
    // The majority is healthy.
    let healthy = tallies.iter().filter(|((key, late), t)| !late && !key.is_empty() && t.units() > 100.0);
    let (fine, all) = healthy.fold((0, 0), |(f, n), (_, t)| (f + usize::from(t.unhappy() < 0.22), n + 1));
    assert!(all >= 30 && fine * 4 > all * 3, "{fine} of {all}");
    // Calls without a prompt.
    let unmanaged = (before("").calls + after("").calls) as f64 / 400_000.0;
    assert!((unmanaged - UNMANAGED).abs() < 0.004, "{unmanaged}");
}

#[test]
fn rates_are_near_the_plan() {
    let world = World::new(plan(4, 150_000));
    let (mut calls, mut failed, mut signals, mut cached) = (0.0, 0.0, 0.0, 0.0);
    let mut hours = [0.0; 24];
    let mut days = [0.0; 7];
    for event in world.traffic() {
        match event {
            Event::Call(call) => {
                calls += 1.0;
                failed += f64::from(u8::from(!call.ok));
                cached += f64::from(u8::from(call.cached_tokens.is_some_and(|n| n > 0)));
                hours[(call.at / HOUR_MS).rem_euclid(24) as usize] += 1.0;
                days[(call.at / DAY_MS + 4).rem_euclid(7) as usize] += 1.0;
                let model = &MODELS[models::by_name(&call.model).expect("one of the six")];
                assert_eq!(call.provider.as_deref(), Some(model.provider));
                assert_eq!(call.ok, call.error.is_none() && call.ttft_us.is_some());
            }
            Event::Feedback(_) => signals += 1.0,
        }
    }
    assert!((0.007..0.025).contains(&(failed / calls)), "{}", failed / calls);
    assert!((0.04..0.10).contains(&(signals / calls)), "{}", signals / calls);
    assert!((0.05..0.40).contains(&(cached / calls)), "{}", cached / calls);
    assert!(hours[14] > 6.0 * hours[3] && days[2] > 2.0 * days[0], "{hours:?} {days:?}");
}

/// The numbers of the product's first example: `human prompts performance contract-analysis`.
#[test]
fn the_first_look_resembles_the_first_example() {
    let world = World::new(plan(1, 1_000_000));
    let week = END - 7 * DAY_MS;
    let turn = |key: &str| if key == "legal.contract-analysis" { week } else { Millis::MAX };
    let tallies = tally(&world, turn);
    let last = &tallies[&("legal.contract-analysis".to_owned(), true)];
    println!("{last:?}");
    assert!((780..920).contains(&last.calls), "{}", last.calls);
    assert!((1_150.0..1_260.0).contains(&last.each(last.tokens)), "{}", last.each(last.tokens));
    assert!(
        (0.0055..0.0068).contains(&(last.each(last.cost as u64) / 1e9)),
        "{}",
        last.each(last.cost as u64)
    );
    assert!((1.1..1.3).contains(&(last.each(last.micros) / 1e6)), "{}", last.each(last.micros));
    assert!((last.share(Signal::Positive) - 0.72).abs() < 0.06, "{last:?}");
    assert!((last.share(Signal::Negative) - 0.12).abs() < 0.05, "{last:?}");
    assert!((last.share(Signal::Rephrase) - 0.16).abs() < 0.05, "{last:?}");
}

/// Prints how fast events are made; run it with optimisation to learn something.
#[test]
#[ignore = "a measurement, not a test: cargo test --release demo::tests::speed -- --ignored --nocapture"]
fn speed() {
    for prompts in [60, 20_000] {
        let began = std::time::Instant::now();
        let world = World::new(Plan { prompts, ..plan(1, 1_000_000) });
        let planned = began.elapsed();
        let mut traffic = world.traffic();
        let began = std::time::Instant::now();
        let (mut events, mut pending) = (0u64, 0);
        while traffic.next().is_some() {
            events += 1;
            pending = pending.max(traffic.pending());
        }
        let made = began.elapsed();
        let rate = events as f64 / made.as_secs_f64();
        println!(
            "{prompts} prompts: planned in {planned:?}; {events} events in {made:?}, {rate:.0}/s; {pending} pending"
        );
        let began = std::time::Instant::now();
        let bytes: usize = world.prompts().map(|p| p.text.len()).sum();
        println!("texts: {bytes} bytes in {:?}", began.elapsed());
    }
}
