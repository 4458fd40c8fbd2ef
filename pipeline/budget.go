package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Budget is one bound of what is stored, and how much of it is used up.
type Budget struct {
	Name    string // one of the names below
	Of      string // pending: the sink
	Used    int64  // bytes, or actions for pending; disk: what must stay free
	Max     int64  // disk: what is free
	Percent int    // 100 and above: used up
}

// The budgets. What happens when one is used up is different for each.
const (
	JournalBudget   = "journal"   // journal.max_size: the oldest records go, before journal.keep says so
	UnindexedBudget = "unindexed" // journal.max_size by what not every index has taken, which is never removed: intake stops
	DiskBudget      = "disk"      // journal.min_free: intake stops
	PendingBudget   = "pending"   // limits.max_pending: further actions are held
)

// atLimit says what happens when a budget is used up.
var atLimit = map[string]string{
	JournalBudget:   "the oldest records go earlier than journal.keep says; raise journal.max_size to keep them longer",
	UnindexedBudget: "intake answers 503 until an index has caught up; look at the index, or raise journal.max_size",
	DiskBudget:      "intake answers 503 while less than journal.min_free is free; make room on the disk of data_dir",
	PendingBudget:   "further actions for the sink are held; look at the receiver, or raise limits.max_pending",
}

// AtLimit says what happens when the budget is used up, and what to do.
func (b *Budget) AtLimit() string { return atLimit[b.Name] }

// key is the name, and whose budget it is where there are several.
func (b *Budget) key() string {
	if b.Of == "" {
		return b.Name
	}
	return b.Name + "/" + b.Of
}

// Stops reports whether intake stops when the budget is used up.
func (b *Budget) Stops() bool { return b.Name == UnindexedBudget || b.Name == DiskBudget }

// String is the state for people.
func (b *Budget) String() string {
	switch b.Name {
	case PendingBudget:
		return fmt.Sprintf("%d %% of the actions that may wait for %s: %d of %d", b.Percent, b.Of, b.Used, b.Max)
	case DiskBudget:
		return fmt.Sprintf("disk at %d %%: %s must stay free and %s are", b.Percent, Bytes(b.Used), Bytes(b.Max))
	case UnindexedBudget:
		return fmt.Sprintf("journal records that not every index has taken at %d %%: %s of %s", b.Percent, Bytes(b.Used), Bytes(b.Max))
	}
	return fmt.Sprintf("journal at %d %%: %s of %s", b.Percent, Bytes(b.Used), Bytes(b.Max))
}

// Bytes writes a size for people: "1.5 GiB".
func Bytes(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), 0
	for v >= 1024 && unit < 6 {
		v /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", v, " KMGTPE"[unit])
}

// Budgets reads every budget of a store that is bounded; sinks are those whose
// queues are bounded by maxPending.
func Budgets(s store.Store, sinks []string, maxPending int) []Budget {
	var list []Budget
	add := func(b Budget) {
		switch {
		case b.Max > 0:
			b.Percent = int(min(float64(b.Used)*100/float64(b.Max), 1000))
		case b.Used > 0:
			b.Percent = 1000
		}
		list = append(list, b)
	}
	u := s.Usage()
	if u.JournalMax > 0 {
		add(Budget{Name: JournalBudget, Used: u.JournalBytes, Max: u.JournalMax})
		add(Budget{Name: UnindexedBudget, Used: u.HeldBytes, Max: u.JournalMax})
	}
	if u.DiskMin > 0 {
		add(Budget{Name: DiskBudget, Used: u.DiskMin, Max: u.DiskFree})
	}
	for _, sink := range sinks {
		n, _ := s.Pending(sink)
		add(Budget{Name: PendingBudget, Of: sink, Used: int64(n), Max: int64(maxPending)})
	}
	return list
}

// Budgets reads every budget of the line.
func (p *Pipeline) Budgets(sinks []string) []Budget { return Budgets(p.store, sinks, p.maxPending) }

// The levels at which it is said that a budget is used up so far, in percent,
// and how far it must fall below one before that is said anew.
var budgetLevels = []int{70, 90, 100}

const budgetSlack = 5

// defaultBudgetEach is how often budgets are looked at.
const defaultBudgetEach = 5 * time.Second

// The verbs of operator records about budgets.
const (
	BudgetWarning   = "budget-warning"   // 70 or 90 % are used up
	BudgetExhausted = "budget-exhausted" // 100 %
	BudgetEased     = "budget-eased"     // it is not exhausted any more, or below every level
)

// WatchBudgets says when a budget reaches a level, once each time: in the log,
// as an operator record, and to told, which may be nil. It runs until ctx ends.
func (p *Pipeline) WatchBudgets(ctx context.Context, sinks []string, told func(b Budget, level int)) error {
	levels := map[string]int{}
	for ctx.Err() == nil {
		for _, b := range p.Budgets(sinks) {
			key := b.key()
			before := levels[key]
			now := budgetLevel(b.Percent, before)
			if now == before {
				continue
			}
			if err := p.tellBudget(ctx, b, before, now); err != nil {
				p.log.Warn("state of a budget could not be noted, will try again", "budget", b.Name, "err", err)
				continue
			}
			levels[key] = now
			if told != nil && now > before {
				told(b, now)
			}
		}
		pause(ctx, nil, p.budgetEach)
	}
	return nil
}

// budgetLevel is the level a budget is at, by where it was.
func budgetLevel(percent, before int) int {
	level := 0
	for _, l := range budgetLevels {
		if percent >= l || l <= before && percent >= l-budgetSlack {
			level = l
		}
	}
	return level
}

func (p *Pipeline) tellBudget(ctx context.Context, b Budget, before, now int) error {
	o := OperatorPart{By: "signalbox", Detail: b.String(), Comment: "at 100 % " + b.AtLimit(), Budget: b.key()}
	switch {
	case now == 100:
		o.Verb, o.Comment = BudgetExhausted, b.AtLimit()
	case now > before:
		o.Verb = BudgetWarning
	case before == 100, now == 0:
		o.Verb, o.Comment = BudgetEased, ""
	default:
		return nil
	}
	if now > before {
		p.log.Warn("budget "+b.String(), "budget", b.Name, "of", b.Of, "level", now, "hint", o.Comment)
	} else {
		p.log.Info("budget eased: "+b.String(), "budget", b.Name, "of", b.Of)
	}
	return p.Note(ctx, o)
}
