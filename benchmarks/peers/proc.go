package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc: USER_HZ, 100 on all of Linux's machines.
const tick = 10 * time.Millisecond

// usedBy is a process in /proc: whose child it is, and what it and its children that
// have ended used.
type usedBy struct {
	parent int
	time   time.Duration
}

// treeTime is the processor time of a process and all that it started, ended ones
// included.
func treeTime(root int) (time.Duration, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	all := map[int]usedBy{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		pid, used, err := readStat(string(text))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		all[pid] = used
	}
	if _, alive := all[root]; !alive {
		return 0, fmt.Errorf("process %d has ended", root)
	}
	var sum time.Duration
	for pid, used := range all {
		if descends(all, pid, root) {
			sum += used.time
		}
	}
	return sum, nil
}

func descends(all map[int]usedBy, pid, root int) bool {
	for range len(all) {
		if pid == root {
			return true
		}
		pid = all[pid].parent
	}
	return false
}

// readStat reads a line of /proc/PID/stat (proc(5)). The program's name, in brackets,
// may hold anything.
func readStat(line string) (pid int, used usedBy, err error) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return 0, used, fmt.Errorf("%q has no name in brackets", line)
	}
	fields := strings.Fields(line[end+1:])
	const parent, userTime, times = 1, 11, 4 // counted from the state on
	if len(fields) < userTime+times {
		return 0, used, fmt.Errorf("%q is too short", line)
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(line[:open])); err != nil {
		return 0, used, err
	}
	if used.parent, err = strconv.Atoi(fields[parent]); err != nil {
		return 0, used, err
	}
	for _, field := range fields[userTime : userTime+times] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, used, err
		}
		used.time += time.Duration(n) * tick
	}
	return pid, used, nil
}
