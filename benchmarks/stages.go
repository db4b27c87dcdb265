package benchmarks

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"broadside/benchmarks/pprof"
)

// StageCPU is what a stage takes of the engine's processor time.
type StageCPU struct {
	Stage  string  `json:"stage"`
	Micros float64 `json:"us_per_message"`
	Share  float64 `json:"share"` // of all, 0 to 1
}

// work says which stage a function works for. The innermost function that is named here
// decides: what the planner has the database do is the database's.
var work = []struct{ prefix, stage string }{
	{"broadside/dkim", "sign"},
	{"broadside/campaign/message", "render"},
	{"broadside/campaign/token", "render"},
	{"broadside/delivery/smtp", "SMTP"},
	{"broadside/delivery/queue", "queue"},
	{"github.com/nats-io/", "queue"},
	{"github.com/synadia-io/", "queue"},
	{"broadside/store", database},
	{"database/sql", database},
	{"modernc.org/", database},
	{"broadside/campaign", "plan"},
	{"broadside/ratelimit", "pace"},
	{"broadside/delivery", "deliver"},
	{"broadside/benchmarks", "benchmark"},
	{"runtime.gcBgMarkWorker", "garbage collection"},
	{"runtime.gcAssistAlloc", "garbage collection"},
	{"runtime.bgsweep", "garbage collection"},
	{"runtime.bgscavenge", "garbage collection"},
}

// database is what the database does for nobody in particular: what it does for whom, the
// method of the store decides that asked for it.
const database = "database"

var asked = []struct{ prefix, stage string }{
	{"broadside/store.(*DB).Apply", "ledger"},
	{"broadside/store.(*DB).UnwantedOf", "look-ups"},
	{"broadside/store.(*DB).RowsOf", "look-ups"},
	{"broadside/store.(*DB).AudiencePage", "snapshot"},
	{"broadside/store.(*DB).AppendRecipients", "snapshot"},
	{"broadside/store.(*DB).WaitingAfter", "feed"},
}

// elsewhere is what has none of these functions: the scheduler, timers, the network's
// poller.
const elsewhere = "scheduler"

// readStages reads a processor profile and shares it out, the largest first.
func readStages(path string, messages int64) ([]StageCPU, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	samples, err := pprof.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	byStage := map[string]float64{}
	var sum float64
	for _, s := range samples {
		ns := float64(s.Values[len(s.Values)-1]) // samples, then nanoseconds
		byStage[stageOf(s.Stack)] += ns
		sum += ns
	}
	var all []StageCPU
	for name, ns := range byStage {
		all = append(all, StageCPU{name, ns / 1e3 / float64(max(messages, 1)), ns / max(sum, 1)})
	}
	slices.SortFunc(all, func(a, b StageCPU) int {
		return cmp.Or(cmp.Compare(b.Micros, a.Micros), cmp.Compare(a.Stage, b.Stage))
	})
	return all, nil
}

// stageOf is the stage of a stack, innermost function first.
func stageOf(stack []string) string {
	stage := firstOf(stack, work, elsewhere)
	if stage == database {
		return firstOf(stack, asked, database)
	}
	return stage
}

// firstOf is the stage of the innermost function that stages name.
func firstOf(stack []string, stages []struct{ prefix, stage string }, otherwise string) string {
	for _, function := range stack {
		for _, s := range stages {
			if strings.HasPrefix(function, s.prefix) {
				return s.stage
			}
		}
	}
	return otherwise
}
