package benchmarks

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// profiles are the profiles of a process under way: processor, blocking, mutexes and,
// at the end, allocations.
type profiles struct {
	dir string
	cpu *os.File // nil: none are taken
}

const cpuProfile = "cpu.pprof"

func startProfiles(dir string) (*profiles, error) {
	p := &profiles{dir: dir}
	if dir == "" {
		return p, nil
	}
	var err error
	if p.cpu, err = os.Create(filepath.Join(dir, cpuProfile)); err != nil {
		return nil, err
	}
	runtime.SetBlockProfileRate(10_000) // one event per 10 µs of blocking
	runtime.SetMutexProfileFraction(10)
	return p, pprof.StartCPUProfile(p.cpu)
}

func (p *profiles) stop() error {
	if p.cpu == nil {
		return nil
	}
	pprof.StopCPUProfile()
	err := p.cpu.Close()
	for _, name := range []string{"block", "mutex", "allocs"} {
		err = errors.Join(err, p.write(name))
	}
	return err
}

func (p *profiles) write(name string) error {
	f, err := os.Create(filepath.Join(p.dir, name+".pprof"))
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(name).WriteTo(f, 0), f.Close())
}
