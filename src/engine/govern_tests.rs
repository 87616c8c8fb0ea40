use super::*;
use crate::domain::identity::{Hex, UriPattern};

const NOW: Millis = 1_000;

fn each(mut check: impl FnMut(Act, &Actor<'_>, &Matter<'_>, &Bench<'_>)) {
    let steward: Identity = "steward://A/ana".parse().unwrap();
    let other: Identity = "steward://A/ben".parse().unwrap();
    let agent: Identity = "agent://A/prompt-refinement".parse().unwrap();
    let stranger: Identity = "agent://A/other".parse().unwrap();
    let key = Hex([1; 32]);
    let mut grants = vec![None];
    for expires_at in [NOW, NOW + 1] {
        for scopes in [vec![], vec![GrantScope::ProposalsWrite], GrantScope::ALL.to_vec()] {
            for prompts in ["prompt://*", "prompt://org/A/*", "prompt://core/x"] {
                for (agent, key) in [(&agent, key), (&agent, Hex([2; 32])), (&stranger, key)] {
                    let prompts: UriPattern = prompts.parse().unwrap();
                    grants.push(Some(Grant {
                        agent: agent.clone(),
                        key,
                        scopes: scopes.clone(),
                        prompts,
                        expires_at,
                    }));
                }
            }
        }
    }
    let mut actors = vec![
        Actor::System,
        Actor::Steward { identity: &steward, trusted: false },
        Actor::Steward { identity: &steward, trusted: true },
    ];
    for grant in &grants {
        for revoked in [false, true] {
            actors.push(Actor::Agent { identity: &agent, key, grant: grant.as_ref(), revoked });
        }
    }
    let prompts: Vec<PromptUri> =
        ["prompt://core/x", "prompt://org/A/x", "prompt://user/A/ana/x", "prompt://user/A/zoe/x"]
            .map(|uri| uri.parse().unwrap())
            .into();
    let signed = [vec![], vec![steward.clone()], vec![other.clone()]];
    for act in [
        Act::Author,
        Act::Propose,
        Act::Accept,
        Act::Modify,
        Act::Judge,
        Act::Reopen,
        Act::AutoApply,
        Act::Promote,
        Act::Stop,
        Act::Delegate,
    ] {
        for actor in &actors {
            for prompt in prompts.iter().map(Some).chain([None]) {
                for flags in 0..4 {
                    for risk in RiskLevel::ALL.into_iter().map(Some).chain([None]) {
                        let matter =
                            Matter { prompt, auto_tune: flags & 1 == 1, consent: flags & 2 == 2, risk };
                        for (signed, reviewers) in signed.iter().zip([1, 2, 2]) {
                            for owned in [false, true] {
                                for modified_by in [&[][..], &[other.clone(), steward.clone()]] {
                                    let bench = Bench {
                                        owned,
                                        reviewers,
                                        signed,
                                        modified_by,
                                        author_may_accept: false,
                                    };
                                    check(act, actor, &matter, &bench);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The table, written down a second time: as sentences about what was allowed.
#[test]
fn the_table_holds_for_every_combination() {
    let mut allowed = 0;
    each(|act, actor, matter, bench| {
        let Ok(permit) = govern(act, actor, matter, bench, NOW) else { return };
        allowed += 1;
        assert_eq!(permit.act(), act);
        match actor {
            Actor::System => assert!(act == Act::Author && !bench.owned),
            Actor::Steward { trusted, .. } => assert!(*trusted && act != Act::AutoApply),
            Actor::Agent { identity, key, grant, .. } => {
                let grant = grant.expect("a grant");
                assert!(grant.agent == **identity && grant.key == *key && grant.expires_at > NOW);
                assert!(matter.prompt.is_none_or(|prompt| grant.prompts.covers(prompt)));
                match act {
                    Act::Propose | Act::Stop => {
                        assert!(grant.scopes.contains(&GrantScope::ProposalsWrite));
                    }
                    Act::AutoApply => {
                        assert!(grant.scopes.contains(&GrantScope::PromptsAutoApply));
                        assert_eq!(matter.risk, Some(RiskLevel::Low));
                        match matter.prompt.map(PromptUri::scope) {
                            Some(Scope::Org) => assert!(matter.auto_tune),
                            Some(Scope::User) => assert!(matter.consent),
                            Some(Scope::Core) | None => panic!("never"),
                        }
                    }
                    Act::Promote => {
                        assert!(grant.scopes.contains(&GrantScope::PromptsAutoApply));
                        match matter.prompt.map(PromptUri::scope) {
                            Some(Scope::Org) => {}
                            Some(Scope::User) => assert!(matter.consent),
                            Some(Scope::Core) | None => panic!("never"),
                        }
                    }
                    _ => panic!("{act:?} is no agent's"),
                }
            }
        }
        let user = matter.prompt.and_then(|prompt| prompt.place.user()).map(ToString::to_string);
        if act == Act::Accept && user.is_some_and(|user| user != "ana") {
            assert!(matter.consent || !bench.owned);
        }
        if act == Act::Accept {
            assert!(bench.modified_by.is_empty());
            assert_eq!(permit.is_complete(), bench.signed.len() as u32 + 1 >= bench.reviewers);
        }
    });
    assert!(allowed > 1000);
}

/// And what has to be possible is possible.
#[test]
fn nothing_that_the_table_allows_is_refused() {
    each(|act, actor, matter, bench| {
        let Actor::Agent { identity, key, grant: Some(grant), .. } = actor else { return };
        let holds = grant.agent == **identity && grant.key == *key && grant.expires_at > NOW;
        let Some(prompt) = matter.prompt else { return };
        let table = match prompt.scope() {
            Scope::Core => false,
            Scope::Org => matter.auto_tune,
            Scope::User => matter.consent,
        };
        let covered = holds && grant.prompts.covers(prompt);
        if act == Act::Stop {
            let may = covered && grant.scopes.contains(&GrantScope::ProposalsWrite);
            assert_eq!(govern(act, actor, matter, bench, NOW).is_ok(), may);
        }
        let may = covered
            && table
            && matter.risk == Some(RiskLevel::Low)
            && grant.scopes.contains(&GrantScope::PromptsAutoApply);
        if act == Act::AutoApply {
            assert_eq!(govern(act, actor, matter, bench, NOW).is_ok(), may);
        }
    });
}
