package meter

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is what a sender's process did and used so far, as it answers who measures the
// cluster.
type Process struct {
	Sender  string        `json:"sender"` // unique in the cluster
	Version string        `json:"version"`
	At      time.Time     `json:"at"`
	CPU     time.Duration `json:"cpu"`    // of all roles that it has
	Memory  int64         `json:"memory"` // bytes, at its peak
	Cores   int           `json:"cores"`  // that it may use
	Sample  Sample        `json:"sample"`
}

// Process adds to a sample what the process used.
func (m *Meter) Process(sender, version string) (Process, error) {
	memory, err := PeakMemory()
	return Process{
		Sender: sender, Version: version, At: time.Now(), CPU: CPUTime(), Memory: memory,
		Cores: runtime.GOMAXPROCS(0), Sample: m.Sample(),
	}, err
}

// CPUTime is the processor time, user and system, that this process has used.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// PeakMemory is the most memory, in bytes, that was resident for this process. It
// is read from /proc because rusage counts in the memory of the parent at the fork.
func PeakMemory() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}
