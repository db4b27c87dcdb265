package campaign

import (
	"fmt"
	"time"

	"broadside/campaign/schedule"
)

// timetable keeps the windows of runs as they were read: a time zone is a file.
type timetable map[schedule.Window]schedule.Hours

// status is what senders are told of a run. Outside its window it is paused until that
// opens; so is, for good, one whose window cannot be read.
func (t timetable) status(r *Run, now time.Time) RunStatus {
	s := RunStatus{Run: r.ID, State: r.State, Epoch: r.Epoch}
	if r.State != RunRunning {
		return s
	}
	hours, known := t[r.Spec.Window]
	if !known {
		var err error
		if hours, err = r.Spec.Window.Parse(); err != nil {
			s.State = RunPaused
			return s
		}
		t[r.Spec.Window] = hours
	}
	s.Until = hours.Change(now)
	if !hours.Open(now) {
		s.State = RunPaused
	}
	return s
}

// Opens is when a running run that is outside its window goes on; zero when it waits for
// no window.
func (r Run) Opens(now time.Time) time.Time {
	hours, err := r.Spec.Window.Parse()
	if err != nil || r.State != RunRunning || hours.Open(now) {
		return time.Time{}
	}
	return hours.Next(now)
}

// WaitsFor says which window a running run waits for, and until when by the reader's
// clock; "" when it may send.
func (r Run) WaitsFor(now time.Time, reader *time.Location) string {
	opens := r.Opens(now)
	if opens.IsZero() {
		return ""
	}
	hours, _ := r.Spec.Window.Parse() // Opens has read it
	return fmt.Sprintf("It sends %s, and waits until %s.", hours, when(opens, reader))
}
