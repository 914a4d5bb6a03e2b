//! What the builder's buttons do: each names one act, and most acts are one edit of the text.

use domain::Tool;
use policy::{
    Mode,
    builder::{Action, At, Edit, EditError, Outline, Place, Rule, apply, outline},
};

use crate::actions::merge::combined;

use super::{
    View,
    form::{Kind, RuleForm},
};

/// The text afterwards, and what the builder shows.
pub(in super::super) struct Done {
    pub(in super::super) document: String,
    /// What was done to the text; none where nothing was.
    pub(in super::super) remark: Option<String>,
    /// Whether something stood in the way.
    pub(in super::super) failed: bool,
    pub(in super::super) view: View,
}

/// Why nothing was done, to be said where it was asked for.
enum Refused {
    /// By the field that is at fault; empty for the builder as a whole.
    Field(&'static str, String),
    /// The open form holds its faults itself.
    Form,
}

impl From<EditError> for Refused {
    fn from(error: EditError) -> Self {
        Self::Field("", error.to_string())
    }
}

type Remark = Result<Option<String>, Refused>;

/// Does what a button says: `act` is a verb and what it is about.
pub(in super::super) fn act(act: &str, text: &str, inventory: Option<&[Tool]>, view: View) -> Done {
    let mut desk = Desk {
        text: text.to_owned(),
        inventory,
        view,
    };
    let (verb, about) = act.split_once(' ').unwrap_or((act, ""));
    let remark = desk.act(verb, about);
    let failed = remark.is_err();
    let remark = remark.unwrap_or_else(|refused| {
        if let Refused::Field(field, why) = refused {
            desk.view
                .faults
                .add(if field.is_empty() { "form" } else { field }, why);
        }
        None
    });
    Done {
        document: desk.text,
        remark: remark.map(|said| format!("In the editor now, not saved: {said}.")),
        failed,
        view: desk.view,
    }
}

struct Desk<'t> {
    text: String,
    inventory: Option<&'t [Tool]>,
    view: View,
}

impl Desk<'_> {
    fn act(&mut self, verb: &str, about: &str) -> Remark {
        match verb {
            "open" => self.open(about),
            "close" => self.close(),
            "cancel" => self.view.form = None,
            "find" => {}
            "new" => self.new_form(about),
            "edit" => return self.edit_form(about),
            "more" => self.form()?.more(),
            "drop" => {
                if let Ok(index) = about.parse() {
                    self.form()?.fewer(index);
                }
            }
            "write" => return self.write(),
            "default" => {
                let allow = about == "allow";
                let (word, edit) = (
                    if allow { "allowed" } else { "refused" },
                    Edit::Default { allow },
                );
                return self.edited(&edit, format!("what nothing names is {word}"));
            }
            "describe" => {
                let words = self.view.description.trim().to_owned();
                let words = (!words.is_empty()).then_some(words);
                return self.edited(&Edit::Description(words), "the description".to_owned());
            }
            "allow" | "deny" | "approval" | "hide" | "unhide" | "left" => {
                return self.state(verb, about);
            }
            "reason" => {
                let place = place(about)?;
                let reason = self.view.reason.trim().to_owned();
                let reason = (!reason.is_empty()).then_some(reason);
                let said = format!("what an agent is told of {}", name(&place));
                return self.edited(&Edit::Reason(place, reason), said);
            }
            "remove" | "up" | "down" | "shadow" | "enforce" => return self.rule(verb, about),
            "entry" => return self.entry(),
            "merge" => return self.merge(),
            "pattern" => return self.pattern(),
            _ => return Err(Refused::Field("", "There is no such button.".to_owned())),
        }
        Ok(None)
    }

    /// Puts a rule from elsewhere into the text; what was typed stays only where it cannot be.
    fn merge(&mut self) -> Remark {
        let rule = std::mem::take(&mut self.view.rule);
        match combined(&self.text, &rule, self.inventory) {
            Ok(both) => {
                let said = both.said();
                self.text = both.document;
                Ok(Some(said.trim_end_matches('.').to_owned()))
            }
            Err(error) => {
                self.view.rule = rule;
                Err(Refused::Field("rule", error.to_string()))
            }
        }
    }

    fn open(&mut self, pointer: &str) {
        self.view.open = pointer.to_owned();
        self.view.form = None;
    }

    fn close(&mut self) {
        self.view.open.clear();
        self.view.form = None;
    }

    fn form(&mut self) -> Result<&mut RuleForm, Refused> {
        let closed = || Refused::Field("", "The form is not open any more.".to_owned());
        self.view.form.as_mut().ok_or_else(closed)
    }

    fn edited(&mut self, edit: &Edit, said: String) -> Remark {
        self.text = apply(&self.text, edit)?;
        Ok(Some(said))
    }

    fn outline(&self) -> Result<Outline, Refused> {
        Ok(outline(&self.text, self.inventory)?)
    }

    /// Sets what a block does.
    fn state(&mut self, verb: &str, pointer: &str) -> Remark {
        let place = place(pointer)?;
        let name = name(&place);
        let whose = match &place {
            Place::Tool(name) => name.clone(),
            _ => String::new(),
        };
        let (edit, said) = match verb {
            "allow" => (
                Edit::Set(place, Action::Allow),
                format!("{name} may be called"),
            ),
            "deny" => (Edit::Set(place, Action::Deny), format!("{name} is refused")),
            "approval" => (
                Edit::Set(place, Action::Approval),
                format!("{name} is held for approval"),
            ),
            "hide" => (Edit::Hide(whose), format!("{name} is hidden")),
            "unhide" => (
                Edit::Unhide(whose),
                format!("{name} is not hidden any more"),
            ),
            _ => (
                Edit::RemoveEntry(place),
                format!("{name} has no block of its own any more"),
            ),
        };
        self.edited(&edit, said)
    }

    /// Does something to a rule or a test that is there.
    fn rule(&mut self, verb: &str, about: &str) -> Remark {
        let (mark, pointer) = about.split_once(' ').unwrap_or_default();
        let at = At {
            pointer: pointer.to_owned(),
            mark: Some(mark.to_owned()),
        };
        let (edit, said) = match verb {
            "remove" => (Edit::Remove(at), "one entry less"),
            "up" => (Edit::Move { at, up: true }, "another order"),
            "down" => (Edit::Move { at, up: false }, "another order"),
            "shadow" => (Edit::Mode(at, Mode::Shadow), "the rule only records"),
            _ => (Edit::Mode(at, Mode::Enforce), "the rule refuses"),
        };
        let remark = self.edited(&edit, said.to_owned());
        // The form that is open may be another rule's now.
        self.view.form = None;
        remark
    }

    fn new_form(&mut self, about: &str) {
        let (key, pointer) = about.split_once(' ').unwrap_or((about, ""));
        self.view.form = Kind::named(key).map(|kind| RuleForm::fresh(kind, pointer));
        if !pointer.is_empty() && key != "tests" {
            self.view.open = pointer.to_owned();
        }
    }

    fn edit_form(&mut self, pointer: &str) -> Remark {
        let outline = self.outline()?;
        let test = outline.tests.iter().find(|test| test.pointer == pointer);
        let form = match test {
            Some(shown) => {
                let test = shown.test.as_ref();
                test.and_then(|test| RuleForm::of_test(pointer, &shown.mark, test))
            }
            None => rules(&outline)
                .find(|shown| shown.pointer == pointer)
                .and_then(|shown| RuleForm::of_rule(pointer, &shown.mark, shown.rule.as_ref()?)),
        };
        if form.is_none() {
            let why = "This rule has no form; edit it in the text.".to_owned();
            return Err(Refused::Field("", why));
        }
        if test.is_none()
            && let Some(place) = Place::of(pointer)
        {
            self.view.open = place.pointer();
        }
        self.view.form = form;
        Ok(None)
    }

    /// Writes what the open form says into the text; what a check finds wrong with it stays in the
    /// form instead.
    fn write(&mut self) -> Remark {
        let named = self.counter()?;
        let form = self.form()?;
        form.name_counter(named);
        let (edits, at) = (form.edits(), form.at());
        let (edit, said, list) = if form.kind.key == "tests" {
            let test = form.test().ok_or(Refused::Form)?;
            let said = format!("the test “{}”", test.name);
            match edits {
                true => (Edit::ReplaceTest(at, test), said, "/tests".to_owned()),
                false => (Edit::AddTest(test), said, "/tests".to_owned()),
            }
        } else {
            let place = place(&form.pointer)?;
            let rule = form.rule().ok_or(Refused::Form)?;
            let said = format!("a {} for {}", form.kind.noun, name(&place));
            let list = format!("{}/{}", place.pointer(), form.kind.key);
            match edits {
                true => (Edit::Replace(at, rule), said, list),
                false => (Edit::Add(place, rule), said, list),
            }
        };
        let text = apply(&self.text, &edit)?;
        let rule = self.written(&text, &list)?;
        let faults = policy::check(&text, self.inventory).faults;
        let inside = |pointer: &str| {
            pointer
                .strip_prefix(rule.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let faults: Vec<_> = faults
            .into_iter()
            .filter(|fault| inside(&fault.pointer) && fault.code != "test_failed")
            .collect();
        if !faults.is_empty() {
            self.form()?.found(&rule, &faults);
            return Err(Refused::Form);
        }
        self.text = text;
        self.view.form = None;
        Ok(Some(said))
    }

    /// Where in the new text the rule of the form stands.
    fn written(&mut self, text: &str, list: &str) -> Result<String, Refused> {
        let form = self.form()?;
        if form.edits() && !form.pointer.ends_with("/action") {
            return Ok(form.pointer.clone());
        }
        let outline = outline(text, self.inventory)?;
        let inside = |pointer: &&str| pointer.starts_with(list);
        let tests = outline.tests.iter().map(|test| test.pointer.as_str());
        let pointers = rules(&outline)
            .map(|rule| rule.pointer.as_str())
            .chain(tests);
        Ok(pointers.filter(inside).last().unwrap_or(list).to_owned())
    }

    /// A name for the counter of a limit that was given none: the tool's, and free in its block.
    fn counter(&mut self) -> Result<String, Refused> {
        let outline = self.outline()?;
        let form = self.form()?;
        let Some(place) = Place::of(&form.pointer) else {
            return Ok(String::new());
        };
        let entry = entries(&outline).find(|entry| entry.place == place);
        let taken = |name: &str| {
            let rules = entry.into_iter().flat_map(|entry| &entry.rules);
            rules.into_iter().any(
                |shown| matches!(&shown.rule, Some(Rule::Limit(limit)) if limit.counter == name),
            )
        };
        let bare = match &place {
            Place::AllTools => "calls".to_owned(),
            Place::Class(class) => format!("{class}_rate"),
            Place::Tool(name) => counter_for(name),
        };
        let numbered = (2..=33).map(|n| format!("{bare}_{n}"));
        let mut names = std::iter::once(bare.clone()).chain(numbered);
        Ok(names.find(|name| !taken(name)).unwrap_or(bare))
    }

    /// Gives a name or glob a block of its own.
    fn entry(&mut self) -> Remark {
        let name = self.view.name.trim().to_owned();
        if name.is_empty() {
            return Err(Refused::Field("name", "is missing".to_owned()));
        }
        let place = Place::Tool(name.clone());
        let text = apply(&self.text, &Edit::Set(place.clone(), Action::Allow))?;
        if let Some(fault) = fault_at(&text, &place.pointer()) {
            return Err(Refused::Field("name", format!("is not right: {fault}")));
        }
        self.text = text;
        self.view.name.clear();
        self.view.query.clear();
        self.open(&place.pointer());
        Ok(Some(format!("{name} may be called")))
    }

    /// Hides a name or glob.
    fn pattern(&mut self) -> Remark {
        let name = self.view.pattern.trim().to_owned();
        if name.is_empty() {
            return Err(Refused::Field("pattern", "is missing".to_owned()));
        }
        let text = apply(&self.text, &Edit::Hide(name.clone()))?;
        let new = |fault: &policy::Fault| fault.pointer.starts_with("/hide/");
        let faults = |text: &str| {
            policy::check(text, None)
                .faults
                .into_iter()
                .filter(new)
                .collect::<Vec<_>>()
        };
        let (before, after) = (faults(&self.text), faults(&text));
        if let (true, Some(fault)) = (after.len() > before.len(), after.last()) {
            return Err(Refused::Field(
                "pattern",
                format!("is not right: {}", fault.detail),
            ));
        }
        self.text = text;
        self.view.pattern.clear();
        Ok(Some(format!("{name} is hidden")))
    }
}

fn fault_at(text: &str, pointer: &str) -> Option<String> {
    let faults = policy::check(text, None).faults;
    let found = faults.into_iter().find(|fault| fault.pointer == pointer);
    found.map(|fault| fault.detail)
}

pub(super) fn entries(outline: &Outline) -> impl Iterator<Item = &policy::builder::Entry> {
    outline
        .tools
        .iter()
        .chain(&outline.classes)
        .chain([&outline.all_tools])
}

fn rules(outline: &Outline) -> impl Iterator<Item = &policy::builder::Shown> {
    entries(outline).flat_map(|entry| &entry.rules)
}

fn place(pointer: &str) -> Result<Place, Refused> {
    Place::of(pointer).ok_or_else(|| EditError::Changed.into())
}

/// What a sentence calls a block.
fn name(place: &Place) -> String {
    match place {
        Place::AllTools => "every tool".to_owned(),
        Place::Class(class) => format!("the class {class}"),
        Place::Tool(name) => name.clone(),
    }
}

/// A counter's name out of a tool's: the language allows letters, digits and `_ - . :` in it.
fn counter_for(tool: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    let mut name: String = tool
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(55)
        .collect();
    name.push_str("_rate");
    name
}
