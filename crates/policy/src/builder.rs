//! The policy builder: a view on a document's text, whose every action is an edit of that text.
//!
//! The text is the one model. [`outline`] says what stands in it, as far as it can be read, faults
//! or none; [`apply`] writes one [`Edit`] into it and leaves every other byte as it was: blanks,
//! the order of keys, the spelling of numbers. So the builder and the text never disagree, and what
//! the builder has no form for is kept and said.
//!
//! Start reading at `edit.rs`; how a text is edited in place is in `text.rs`, what a form holds in
//! `rule.rs`.

mod deciders;
mod edit;
mod fields;
mod layout;
mod merge;
mod operator;
mod outline;
mod place;
mod rule;
mod sentence;
mod text;

pub use edit::{Action, Edit, EditError, apply};
pub use fields::{ArgumentField, ArgumentStep, argument_paths};
pub use merge::{MergeError, Merged, merge};
pub use operator::{BadValue, OPERATORS, Operator, Takes};
pub use outline::{Entry, HiddenBy, Kept, LeftTo, Outline, Shown, State, TestShown, outline};
pub use place::{At, Place};
pub use rule::{
    ApprovalForm, Check, Clause, ConcurrentForm, LimitForm, RateForm, Rule, Sense, TestForm,
    Validation, Window,
};
