//! Running with several threads: the caller and a crew of helpers.
//!
//! In: lanes, a session and the number of threads. Out: exactly what one thread would give. Every lane
//! reads, gathers and orders on a thread of its own. The caller merges the lanes and seats events in
//! [`Batch`]es; whoever is free fills in their fields; the caller attaches process context in order;
//! whoever is free finds the stages they satisfy; the caller steps the machines in order and hands out
//! alerts. The caller takes its share of what whoever is free does, and so does the thread of a lane,
//! so that two threads are enough to keep two cores busy. What only the caller can do is about half of
//! everything: a lane works for the others first, and reads on when nothing that it has read is left over.
//!
//! INVARIANT: every batch is in one place only, and each of `tasks` and `results` has room for all of
//! them. Nobody but a lane that is ahead ever waits to send, and it takes on work while it waits: no
//! circle of threads that wait for each other can come about. Nothing here looks at a clock.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, TrySendError, bounded};

use super::lane::{Lane, Mark};
use super::merge::{Chunk, Merge, Merged, Place, Spent};
use super::read::Reader;
use super::seat::{SOON, Seat};
use super::worker::Worker;
use super::{Flow, Observer, Run};
use crate::engine::Loss;
use crate::event::Projection;

/// Events of a batch: all batches under way together shall fit into the near cache of whoever works on them.
const BATCH: usize = 64;
/// Pieces of input a lane may be ahead.
const CHUNKS_AHEAD: usize = 4;
/// Batches under way besides one for each thread: being filled, waiting for their turn.
const BATCHES_BESIDES: usize = 4;
/// Batches to be worked on with which all others are busy for a while.
const ENOUGH: usize = 2;

/// Events that travel together, with what happened between them.
#[derive(Debug, Default)]
struct Batch {
    number: u64,
    /// Its fields are filled in and its context is attached.
    is_attached: bool,
    seats: Vec<Seat>,
    /// How many seats are taken.
    taken: usize,
    /// What comes in front of which seat.
    between: Vec<(usize, Between)>,
}

#[derive(Debug)]
enum Between {
    Loss(Loss),
    Found(Loss),
    Mark(usize, Box<Mark>),
}

/// A batch that has been worked on, or what a helper died of.
type Outcome = Result<Batch, Box<dyn Any + Send>>;

impl Batch {
    fn is_empty(&self) -> bool {
        self.taken == 0 && self.between.is_empty()
    }

    fn is_full(&self) -> bool {
        self.taken >= BATCH || self.between.len() >= BATCH
    }

    /// The next free seat.
    fn seat(&mut self, projection: &Projection) -> Option<&mut Seat> {
        if self.taken == self.seats.len() {
            self.seats.push(Seat::new(projection));
        }
        self.taken += 1;
        self.seats.get_mut(self.taken - 1)
    }

    fn taken(&mut self) -> &mut [Seat] {
        self.seats.get_mut(..self.taken).unwrap_or_default()
    }

    /// Does what can be done in any order.
    fn work(&mut self, worker: &mut Worker) {
        let is_attached = self.is_attached;
        let seats = self.taken();
        for number in 0..seats.len() {
            if !is_attached && let Some(soon) = seats.get(number + SOON) {
                soon.bring();
            }
            let Some(seat) = seats.get_mut(number) else { break };
            if is_attached {
                worker.sift(seat);
            } else {
                worker.load(seat);
            }
        }
    }
}

/// One of those who are free to work on any batch.
struct Helper {
    worker: Worker,
    tasks: Receiver<Batch>,
    results: Sender<Outcome>,
}

impl Helper {
    /// Starts a thread; a panic on it goes on in the caller's thread.
    fn start(self, work: impl FnOnce(&mut Self) + Send + 'static) {
        let mut this = self;
        std::thread::spawn(move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(&mut this))) {
                let _ = this.results.send(Err(panic));
            }
        });
    }

    /// Works until there will be no more.
    fn help(&mut self) {
        while let Ok(batch) = self.tasks.recv() {
            self.work(batch);
        }
    }

    fn work(&mut self, mut batch: Batch) {
        batch.work(&mut self.worker);
        // Nobody waits for it any more when the run has ended.
        let _ = self.results.send(Ok(batch));
    }

    /// Runs a lane to its end and helps whenever it is ahead, and from then on.
    fn run_lane(
        &mut self,
        mut lane: Lane,
        mut reader: Reader,
        chunks: Sender<Chunk>,
        spent: &Receiver<Spent>,
    ) {
        let mut memory = Spent::default();
        loop {
            // As long as something of this lane waits to be taken, more of it can wait as well.
            while !chunks.is_empty()
                && let Ok(batch) = self.tasks.try_recv()
            {
                self.work(batch);
            }
            let (mut items, mut raws) = (std::mem::take(&mut memory.items), Vec::new());
            while let Ok(back) = spent.try_recv() {
                memory = back;
                memory.raws.drain(..).for_each(|raw| lane.recycle(raw));
                items = std::mem::take(&mut memory.items);
                raws = std::mem::take(&mut memory.raws);
            }
            items.clear();
            let (mark, is_last) = lane.take_in(reader.next(), &mut reader, &mut items);
            if !self.send(&chunks, Chunk { items, mark, is_last, raws }) {
                return;
            }
            if is_last {
                drop(chunks);
                return self.help();
            }
        }
    }

    /// Hands a chunk on, working while there is no room; `false` when nobody wants it any more.
    fn send(&mut self, chunks: &Sender<Chunk>, chunk: Chunk) -> bool {
        let mut left = chunk;
        loop {
            match chunks.try_send(left) {
                Ok(()) => return true,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(back)) => left = back,
            }
            match self.tasks.try_recv() {
                Ok(batch) => self.work(batch),
                Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => {
                    let mut select = Select::new();
                    select.send(chunks);
                    select.recv(&self.tasks);
                    select.ready();
                }
            }
        }
    }
}

/// The caller's part.
struct Crew<'r, 'a, O> {
    run: &'r mut Run<'a, O>,
    merge: Merge,
    worker: Worker,
    tasks: Sender<Batch>,
    /// The other end, for the caller's own share.
    own: Receiver<Batch>,
    results: Receiver<Outcome>,
    /// Batches that may be under way together.
    most: u64,
    free: Vec<Batch>,
    /// Being filled.
    open: Option<Batch>,
    /// Number of the next batch to be filled, attached and stepped.
    next: u64,
    next_attach: u64,
    next_step: u64,
    /// Batches that wait for their turn, by number.
    loaded: VecDeque<Option<Batch>>,
    sifted: VecDeque<Option<Batch>>,
    /// The lane without which nothing more can be seated.
    waiting: Option<usize>,
    has_ended: bool,
}

/// Runs lanes with `jobs` threads; those for lanes come on top where there are several.
pub(super) fn run<O: Observer>(
    run: &mut Run<'_, O>,
    lanes: Vec<(Lane, Reader)>,
    jobs: usize,
    threaded: bool,
) {
    let for_lanes = if threaded { lanes.len() } else { 0 };
    let helpers = jobs.saturating_sub(1 + for_lanes);
    let most = helpers + for_lanes + 1 + BATCHES_BESIDES;
    let (tasks, own) = bounded(most);
    // Besides the batches, every thread may have its panic to tell.
    let (results_in, results) = bounded(most + helpers + for_lanes);
    let helper = |run: &Run<'_, O>| Helper {
        worker: run.session.worker(),
        tasks: own.clone(),
        results: results_in.clone(),
    };
    let mut places = Vec::new();
    for (lane, reader) in lanes {
        let source = lane.source();
        if !threaded {
            places.push((source, Place::Here(Box::new(lane), reader)));
            continue;
        }
        let (chunks_in, chunks) = bounded(CHUNKS_AHEAD);
        let (spent, spent_out) = bounded(2 * CHUNKS_AHEAD);
        helper(run).start(move |helper| helper.run_lane(lane, reader, chunks_in, &spent_out));
        places.push((source, Place::Thread { chunks, spent }));
    }
    for _ in 0..helpers {
        helper(run).start(Helper::help);
    }
    drop(results_in);
    let mut crew = Crew {
        merge: Merge::new(places, None),
        worker: run.session.worker(),
        run,
        tasks,
        own,
        results,
        most: most as u64,
        free: Vec::new(),
        open: None,
        next: 0,
        next_attach: 0,
        next_step: 0,
        loaded: VecDeque::new(),
        sifted: VecDeque::new(),
        waiting: None,
        has_ended: false,
    };
    crew.work();
}

impl<O: Observer> Crew<'_, '_, O> {
    /// Works until the end of all lanes, or until nobody wants more.
    fn work(&mut self) {
        loop {
            self.fill();
            if self.run.flow == Flow::Stop || (self.has_ended && self.next_step == self.next) {
                return;
            }
            if let Ok(outcome) = self.results.try_recv() {
                self.take_back(outcome);
            } else if self.waiting.is_some_and(|lane| self.merge.receive(lane)) {
                self.waiting = None;
            } else if let Ok(mut batch) = self.own.try_recv() {
                batch.work(&mut self.worker);
                self.take_back(Ok(batch));
            } else if self.next_step == self.next && self.open.is_some() {
                // Everybody is idle: what is there goes although the batch is not full.
                self.hand_out();
            } else {
                self.wait();
            }
        }
    }

    /// Waits for a batch to come back, or for the lane that holds up the others.
    fn wait(&self) {
        let mut select = Select::new();
        select.recv(&self.results);
        if let Some(lane) = self.waiting {
            self.merge.wait(lane, &mut select);
        }
        select.ready();
    }

    /// Seats as many events as are known and as there is room for.
    fn fill(&mut self) {
        while !self.has_ended && self.waiting.is_none() {
            if self.open.is_none() {
                if self.next - self.next_step >= self.most {
                    return;
                }
                self.open = Some(self.free.pop().unwrap_or_default());
            }
            let Some(batch) = &mut self.open else { return };
            let session = &mut self.run.session;
            match self.merge.next() {
                Merged::Event(lane, source, released) => {
                    let projection = session.projection().clone();
                    if let Some(seat) = batch.seat(&projection) {
                        session.seat(lane, source, released, seat);
                    }
                }
                Merged::Loss(loss) => batch.between.push((batch.taken, Between::Loss(loss))),
                Merged::Found(loss) => batch.between.push((batch.taken, Between::Found(loss))),
                Merged::Mark(lane, mark) => {
                    batch.between.push((batch.taken, Between::Mark(lane, mark)));
                }
                Merged::Wait(lane) => self.waiting = Some(lane),
                Merged::End => self.has_ended = true,
            }
            if batch.is_full() || self.has_ended {
                self.hand_out();
            }
        }
    }

    /// Gives the open batch to whoever is free.
    fn hand_out(&mut self) {
        let Some(mut batch) = self.open.take() else { return };
        if batch.is_empty() {
            self.free.push(batch);
            return;
        }
        batch.number = self.next;
        batch.is_attached = false;
        self.next += 1;
        self.pass_on(batch);
    }

    /// Gives a batch to whoever is free. There is room for all.
    fn pass_on(&self, batch: Batch) {
        let _ = self.tasks.send(batch);
    }

    /// Takes a batch back and does in order what now has its turn.
    fn take_back(&mut self, outcome: Outcome) {
        let batch = outcome.unwrap_or_else(|panic| resume_unwind(panic));
        if batch.is_attached {
            return self.take_sifted(batch);
        }
        put(&mut self.loaded, self.next_attach, batch);
        while let Some(mut batch) = take(&mut self.loaded) {
            self.next_attach += 1;
            for seat in batch.taken() {
                self.run.session.attach(seat);
            }
            batch.is_attached = true;
            if self.tasks.len() < ENOUGH {
                self.pass_on(batch);
                continue;
            }
            // The others have enough to do, and what was just touched is near.
            batch.work(&mut self.worker);
            self.take_sifted(batch);
            if self.run.flow == Flow::Stop {
                return;
            }
        }
    }

    /// Takes a batch whose stages are found, and feeds the machines with what now has its turn.
    fn take_sifted(&mut self, batch: Batch) {
        put(&mut self.sifted, self.next_step, batch);
        while let Some(batch) = take(&mut self.sifted) {
            self.next_step += 1;
            self.step(batch);
            if self.run.flow == Flow::Stop {
                return;
            }
        }
    }

    /// Feeds the machines with a batch.
    fn step(&mut self, mut batch: Batch) {
        let Batch { seats, taken, between, .. } = &mut batch;
        let mut between = between.drain(..).peekable();
        for (seat, number) in seats.iter_mut().take(*taken).zip(0..) {
            while let Some((_, what)) = between.next_if(|(before, _)| *before <= number) {
                self.run.between(what);
            }
            self.run.step(seat);
            if self.run.flow == Flow::Stop {
                return;
            }
            self.merge.recycle(seat.lane, seat.take_raw());
        }
        between.for_each(|(_, what)| self.run.between(what));
        batch.taken = 0;
        self.free.push(batch);
    }
}

impl<O: Observer> Run<'_, O> {
    fn between(&mut self, what: Between) {
        match what {
            Between::Loss(loss) => self.session.note(loss),
            Between::Found(loss) => self.session.withdraw(loss),
            Between::Mark(lane, mark) => self.reach(lane, *mark),
        }
    }
}

/// Keeps a batch until its turn; `next` is the number whose turn is next.
fn put(waiting: &mut VecDeque<Option<Batch>>, next: u64, batch: Batch) {
    let place = usize::try_from(batch.number - next).unwrap_or(usize::MAX);
    while waiting.len() <= place {
        waiting.push_back(None);
    }
    if let Some(free) = waiting.get_mut(place) {
        *free = Some(batch);
    }
}

/// The batch whose turn it is, if it is there.
fn take(waiting: &mut VecDeque<Option<Batch>>) -> Option<Batch> {
    let batch = waiting.front_mut()?.take()?;
    waiting.pop_front();
    Some(batch)
}
