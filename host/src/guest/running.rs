//! Which call of a guest the engine is busy with: who burns the CPU, who trapped.
//!
//! Many calls are open in one instance at the same time. The engine knows which
//! task it runs; here each task is known as the call that it was begun for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::HashMap;
use wasmtime::component::GuestTaskId;

use super::call::{CallId, Label};

/// The calls that were begun in one life of a guest and have not ended.
#[derive(Debug, Default)]
pub struct Running {
    tasks: Mutex<HashMap<GuestTaskId, Task>>,
}

/// What a call of a guest is, to the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of `limits.calls_in_flight`.
    Call,
    /// Handles the notification of this number. One at a time, so that they keep
    /// lightningd's order.
    Notification(u64),
    /// Has handled all notifications that it took.
    Handled,
    /// The guest's own business. Lives as long as the instance: its CPU counts from
    /// its last pause.
    Background,
}

/// What a task of the engine serves: the call that it was begun for, or one that it took later.
#[derive(Debug, Clone)]
pub struct Part {
    /// 0 where nobody waits.
    pub id: CallId,
    /// Its name.
    pub label: Label,
    /// What it is to the limits.
    pub kind: Kind,
}

#[derive(Debug)]
struct Task {
    part: Part,
    ticks: u64,
    /// The stretch of running in which its ticks were counted last.
    stretch: u64,
}

/// The call at the root of the engine's stack of tasks, youngest first.
fn root(
    tasks: &HashMap<GuestTaskId, Task>,
    stack: impl Iterator<Item = GuestTaskId>,
) -> Option<(GuestTaskId, &Task)> {
    stack.filter_map(|id| Some((id, tasks.get(&id)?))).last()
}

impl Running {
    /// The engine took up a call.
    pub fn begin(&self, task: GuestTaskId, part: Part) {
        let begun = Task {
            part,
            ticks: 0,
            stretch: 0,
        };
        self.lock().insert(task, begun);
    }

    /// A call gave its answer; which it was at last.
    pub fn end(&self, task: GuestTaskId) -> Option<Part> {
        self.lock().remove(&task).map(|task| task.part)
    }

    /// Which call a task serves that has not ended.
    pub fn part(&self, task: GuestTaskId) -> Option<Part> {
        self.lock().get(&task).map(|task| task.part.clone())
    }

    /// The call at the root of the engine's stack of tasks, youngest first, and the number of
    /// the notification that it handles, if it does and nobody waits for the end of the call.
    pub fn notification_of(
        &self,
        stack: impl Iterator<Item = GuestTaskId>,
    ) -> Option<(GuestTaskId, u64)> {
        let tasks = self.lock();
        let (root, task) = root(&tasks, stack)?;
        match task.part.kind {
            Kind::Notification(number) if task.part.id == 0 => Some((root, number)),
            _ => None,
        }
    }

    /// The call at the root of the engine's stack of tasks, youngest first, with the id and
    /// the name of the hook that it handles, if it does.
    pub fn hook_of(
        &self,
        stack: impl Iterator<Item = GuestTaskId>,
    ) -> Option<(GuestTaskId, CallId, &'static str)> {
        let tasks = self.lock();
        let (root, task) = root(&tasks, stack)?;
        match task.part.label {
            Label::Hook(hook) => Some((root, task.part.id, hook)),
            _ => None,
        }
    }

    /// The call has handled the notification that it had.
    pub fn handled(&self, task: GuestTaskId) {
        if let Some(task) = self.lock().get_mut(&task) {
            task.part.kind = Kind::Handled;
        }
    }

    /// The task goes on with another, which has the whole CPU of a call.
    pub fn goes_on(&self, task: GuestTaskId, with: Part) {
        if let Some(task) = self.lock().get_mut(&task) {
            task.part = with;
            task.ticks = 0;
        }
    }

    /// The call at the root of the engine's stack of tasks, youngest first.
    pub fn call_of(&self, stack: impl Iterator<Item = GuestTaskId>) -> Option<(CallId, Label)> {
        let tasks = self.lock();
        let (_, task) = root(&tasks, stack)?;
        Some((task.part.id, task.part.label.clone()))
    }

    /// A tick of the clock found this stack running; the ticks of its call so far,
    /// `None` if it is no call's. `stretch` names the time since the guest last
    /// came back by itself.
    pub fn tick(&self, stack: impl Iterator<Item = GuestTaskId>, stretch: u64) -> Option<u64> {
        let mut tasks = self.lock();
        let (root, _) = root(&tasks, stack)?;
        let task = tasks.get_mut(&root)?;
        if task.part.kind == Kind::Background && task.stretch != stretch {
            task.ticks = 0;
        }
        task.stretch = stretch;
        task.ticks += 1;
        Some(task.ticks)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GuestTaskId, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
