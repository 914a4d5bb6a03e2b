//! One call's way through the steps of `policy.md`, section 7.

use std::borrow::Cow;

use domain::audit::{Code, Shadow};

use crate::{
    amount::Amount,
    effort::Effort,
    engine::{Call, Judgement, Pass, Refusal, Verdict},
    evaluate::{self, Join},
    input_schema::{InputSchema, Unsound},
    limit::{Approval, Limit, Mode},
    message,
    plan::{Needs, Plan, Standing},
    rules::{Block, Check, Rules},
    steps::{Stage, Step, StepResult},
    truth::Truth,
    watch::{self, Watch},
};

/// Judges one call. `needs` are the plan's, apart from it because a verdict may borrow them for
/// longer than the plan lives.
pub(crate) fn judge<'e, W: Watch>(
    rules: &'e Rules,
    plan: &Plan,
    needs: Cow<'e, Needs>,
    call: &Call<'_>,
    watch: &mut W,
) -> Judgement<'e> {
    let mut judge = Judge {
        rules,
        plan,
        call,
        effort: Effort::default(),
        shadow_effort: Effort::default(),
        shadow: Vec::new(),
        watch,
    };
    let verdict = match judge.pass(needs) {
        Ok(pass) => Verdict::Pass(pass),
        Err(refusal) => Verdict::Refuse(refusal),
    };
    Judgement {
        verdict,
        shadow: judge.shadow,
    }
}

struct Judge<'e, 'c, W> {
    rules: &'e Rules,
    plan: &'c Plan,
    call: &'c Call<'c>,
    effort: Effort,
    /// Rules in shadow have an effort of their own: what they look at must not be missing where a
    /// rule is enforced.
    shadow_effort: Effort,
    shadow: Vec<Shadow>,
    watch: &'c mut W,
}

/// Which of its two senses a check has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    Require,
    DenyIf,
}

impl<'e, 'c, W: Watch> Judge<'e, 'c, W> {
    fn pass(&mut self, needs: Cow<'e, Needs>) -> Result<Pass<'e>, Refusal<'e>> {
        self.standing()?;
        self.action()?;
        self.validate()?;
        self.checks(Sense::Require)?;
        self.checks(Sense::DenyIf)?;
        let approval = self.approval();
        let amounts = match needs.measured {
            true => self.amounts(&needs.limits)?,
            false => Vec::new(),
        };
        Ok(needed(approval, needs, amounts))
    }

    /// The blocks that apply, in the order in which each step asks them.
    fn blocks(&self) -> impl Iterator<Item = &'e Block> + use<'e, 'c, W> {
        self.rules.applying(&self.plan.blocks)
    }

    /// Steps 2 and 4.
    fn standing(&mut self) -> Result<(), Refusal<'e>> {
        let (code, rule) = match self.plan.standing {
            Standing::Ruled => {
                self.say_which();
                return Ok(());
            }
            Standing::Hidden(at) => (Code::Hidden, Some(format!("/hide/{at}").into())),
            Standing::Unknown => (Code::UnknownTool, None),
            Standing::DefaultDeny => (Code::DefaultDeny, Some("/default".into())),
        };
        self.watch.see(|_| Step {
            stage: Stage::Tool,
            rule: rule.as_ref().map(|rule: &Cow<'_, str>| rule.to_string()),
            shadow: false,
            result: StepResult::Refuses,
            detail: message::not_there(code).to_owned(),
            conditions: Vec::new(),
        });
        Err(Refusal {
            code,
            rule,
            message: message::unknown(self.call.tool).into(),
        })
    }

    /// Tells whoever looks on which blocks apply, and why these.
    fn say_which(&mut self) {
        let (rules, plan, call) = (self.rules, self.plan, self.call);
        let class = call.class.or(plan.facts.class);
        let step = |rule: &str, detail| Step {
            stage: Stage::Tool,
            rule: Some(rule.to_owned()),
            shadow: false,
            result: StepResult::Passes,
            detail,
            conditions: Vec::new(),
        };
        for place in &plan.blocks {
            self.watch.see(|_| {
                let block = rules.block(*place);
                step(&block.pointer, message::applies(rules, *place, class))
            });
        }
        if plan.blocks.is_empty() {
            self.watch
                .see(|_| step("/default", message::DEFAULT_ALLOWS.to_owned()));
        }
    }

    /// Step 5.
    fn action(&mut self) -> Result<(), Refusal<'e>> {
        let Some(block) = self.blocks().find(|block| block.deny) else {
            return Ok(());
        };
        let refusal = Refusal {
            code: Code::Denied,
            rule: Some(format!("{}/action", block.pointer).into()),
            message: match &block.reason {
                Some(reason) => Cow::Borrowed(reason),
                None => message::denied(self.call.tool).into(),
            },
        };
        self.see_refusal(Stage::Action, &refusal);
        Err(refusal)
    }

    /// Step 6.
    fn validate(&mut self) -> Result<(), Refusal<'e>> {
        for block in self.blocks() {
            let Some(what) = block.validate else { continue };
            let schema = self.plan.schema.as_deref();
            let checked = schema.map_or_else(
                || Err(InputSchema::absent()),
                |schema| schema.check(what, self.call.arguments),
            );
            let rule = || format!("{}/validate", block.pointer);
            let Err(unsound) = checked else {
                self.watch.see(|_| Step {
                    stage: Stage::Validate,
                    rule: Some(rule()),
                    shadow: false,
                    result: StepResult::Passes,
                    detail: message::sound(what).to_owned(),
                    conditions: Vec::new(),
                });
                continue;
            };
            let refusal = Refusal {
                code: match unsound {
                    Unsound::Unavailable(_) => Code::SchemaUnavailable,
                    Unsound::Invalid(_) => Code::InvalidArguments,
                },
                rule: Some(rule().into()),
                message: message::unsound(self.call.tool, &unsound).into(),
            };
            self.see_refusal(Stage::Validate, &refusal);
            return Err(refusal);
        }
        Ok(())
    }

    /// Steps 7 and 8.
    fn checks(&mut self, sense: Sense) -> Result<(), Refusal<'e>> {
        for block in self.blocks() {
            let checks = match sense {
                Sense::Require => &block.require,
                Sense::DenyIf => &block.deny_if,
            };
            for check in checks {
                self.check(sense, check)?;
            }
        }
        Ok(())
    }

    fn check(&mut self, sense: Sense, check: &'e Check) -> Result<(), Refusal<'e>> {
        let (call, facts) = (self.call, &self.plan.facts);
        let effort = match check.mode {
            Mode::Enforce => &self.effort,
            Mode::Shadow => &self.shadow_effort,
        };
        let before = effort.clone();
        let join = match sense {
            Sense::Require => Join::All,
            Sense::DenyIf => Join::Any,
        };
        let truth = evaluate::all(&check.conditions, join, call, facts, effort);
        let refuses = match (sense, truth) {
            (Sense::Require, truth) => truth != Truth::True,
            (Sense::DenyIf, Truth::False) => false,
            (Sense::DenyIf, Truth::Missing) if check.missing_passes => {
                self.any_true(check, effort) || effort.is_spent()
            }
            (Sense::DenyIf, _) => true,
        };
        self.watch.see(|looks| Step {
            stage: match sense {
                Sense::Require => Stage::Require,
                Sense::DenyIf => Stage::DenyIf,
            },
            rule: Some(check.pointer.clone()),
            shadow: check.mode == Mode::Shadow,
            result: match refuses {
                true => StepResult::Refuses,
                false => StepResult::Passes,
            },
            detail: message::came_to(sense == Sense::Require, truth, refuses).to_owned(),
            conditions: watch::conditions(&check.conditions, join, call, facts, &before, looks),
        });
        if !refuses {
            return Ok(());
        }
        let (code, words): (_, fn(&str, &Check) -> String) = match sense {
            Sense::Require => (Code::RequireFailed, message::required),
            Sense::DenyIf => (Code::DenyIf, message::denied_if),
        };
        let rule = Cow::Borrowed(&*check.pointer);
        self.refuse(check.mode, code, rule, || match &check.on_deny {
            Some(text) => Cow::Borrowed(text),
            None => words(call.tool, check).into(),
        })
    }

    /// Whether any condition is true by itself. `missing: pass` lets pass only what is undecided
    /// because nothing stands at a path, not what is also true in part, or was not looked at.
    fn any_true(&self, check: &Check, effort: &Effort) -> bool {
        check.conditions.iter().any(|condition| {
            let (call, facts) = (self.call, &self.plan.facts);
            evaluate::condition(condition, Join::Any, call, facts, effort) == Truth::True
        })
    }

    /// Step 9. Where several blocks ask for one, the call is asked about once, with everything
    /// that any of them wants.
    fn approval(&mut self) -> Option<Cow<'e, Approval>> {
        let mut needed: Option<Cow<'e, Approval>> = None;
        for approval in self.blocks().filter_map(|block| block.approval.as_ref()) {
            if !self.holds(approval) {
                continue;
            }
            needed = match (approval.mode, needed) {
                (Mode::Shadow, needed) => {
                    self.record(Code::ApprovalRequired, &approval.rule);
                    needed
                }
                (Mode::Enforce, None) => Some(Cow::Borrowed(approval)),
                (Mode::Enforce, Some(first)) => Some(Cow::Owned(first.and(approval))),
            };
        }
        needed
    }

    fn holds(&mut self, approval: &Approval) -> bool {
        let (call, facts) = (self.call, &self.plan.facts);
        let effort = match approval.mode {
            Mode::Enforce => &self.effort,
            Mode::Shadow => &self.shadow_effort,
        };
        let before = effort.clone();
        let when = approval.when.as_deref();
        let truth = when.map_or(Truth::True, |when| {
            evaluate::all(when, Join::Any, call, facts, effort)
        });
        let holds = truth != Truth::False;
        self.watch.see(|looks| Step {
            stage: Stage::Approval,
            rule: Some(approval.rule.clone()),
            shadow: approval.mode == Mode::Shadow,
            result: match holds {
                true => StepResult::Holds,
                false => StepResult::Passes,
            },
            detail: message::asks(truth).to_owned(),
            conditions: watch::conditions(
                when.unwrap_or_default(),
                Join::Any,
                call,
                facts,
                &before,
                looks,
            ),
        });
        holds
    }

    /// Of step 10, what arguments say: what each limit takes, none where a limit in shadow cannot
    /// use an argument and so takes nothing.
    fn amounts(&mut self, limits: &[Limit]) -> Result<Vec<Option<Amount>>, Refusal<'e>> {
        let mut amounts = Vec::with_capacity(limits.len());
        for limit in limits {
            let effort = match limit.mode {
                Mode::Enforce => &self.effort,
                Mode::Shadow => &self.shadow_effort,
            };
            amounts.push(match Amount::of(limit, self.call.arguments, effort) {
                Ok(amount) => Some(amount),
                Err(unusable) => {
                    let text = message::unmeasured(self.call.tool, limit, &unusable);
                    self.watch.see(|_| Step {
                        stage: Stage::Limit,
                        rule: Some(limit.rule.clone()),
                        shadow: limit.mode == Mode::Shadow,
                        result: StepResult::Refuses,
                        detail: text.clone(),
                        conditions: Vec::new(),
                    });
                    let rule = limit.rule.clone().into();
                    self.refuse(limit.mode, Code::RateLimited, rule, || text.into())?;
                    None
                }
            });
        }
        Ok(amounts)
    }

    /// Refuses, or in shadow records that it would have.
    fn refuse(
        &mut self,
        mode: Mode,
        code: Code,
        rule: Cow<'e, str>,
        message: impl FnOnce() -> Cow<'e, str>,
    ) -> Result<(), Refusal<'e>> {
        match mode {
            Mode::Shadow => {
                self.record(code, &rule);
                Ok(())
            }
            Mode::Enforce => Err(Refusal {
                code,
                rule: Some(rule),
                message: message(),
            }),
        }
    }

    fn record(&mut self, code: Code, rule: &str) {
        let rule = rule.to_owned();
        self.shadow.push(Shadow { code, rule });
    }

    fn see_refusal(&mut self, stage: Stage, refusal: &Refusal<'_>) {
        self.watch.see(|_| Step {
            stage,
            rule: refusal.rule.as_deref().map(str::to_owned),
            shadow: false,
            result: StepResult::Refuses,
            detail: refusal.message.to_string(),
            conditions: Vec::new(),
        });
    }
}

/// What a call needs that nothing refused. A limit without an amount takes nothing.
fn needed<'e>(
    approval: Option<Cow<'e, Approval>>,
    needs: Cow<'e, Needs>,
    amounts: Vec<Option<Amount>>,
) -> Pass<'e> {
    let (mut limits, concurrent, max_result) = match needs {
        Cow::Borrowed(needs) => (
            Cow::Borrowed(&needs.limits[..]),
            Cow::Borrowed(&needs.concurrent[..]),
            needs.max_result.as_ref().map(Cow::Borrowed),
        ),
        Cow::Owned(needs) => (
            Cow::Owned(needs.limits),
            Cow::Owned(needs.concurrent),
            needs.max_result.map(Cow::Owned),
        ),
    };
    if amounts.iter().any(Option::is_none) {
        let mut usable = amounts.iter().map(Option::is_some);
        limits.to_mut().retain(|_| usable.next() == Some(true));
    }
    Pass {
        approval,
        limits,
        amounts: amounts.into_iter().flatten().collect(),
        concurrent,
        max_result,
    }
}
