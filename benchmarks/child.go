package benchmarks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// The roles of child processes.
const (
	roleSink    = "sink"
	rolePrepare = "prepare"
	roleEngine  = "engine"
	roleLoop    = "loop"
	roleSender  = "sender"
	roleReaders = "readers"
	roleViewers = "viewers"
)

// Child does a role's job, given as JSON, and writes its answers to out, also as
// JSON. It ends when in does: children don't outlive who started them.
func Child(ctx context.Context, role, job string, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if role == roleSink {
		var j sinkJob
		if err := json.Unmarshal([]byte(job), &j); err != nil {
			return err
		}
		return serveSink(ctx, j, in, json.NewEncoder(out))
	}
	if role == roleReaders {
		var j readersJob
		if err := json.Unmarshal([]byte(job), &j); err != nil {
			return err
		}
		return serveReaders(ctx, j, in, json.NewEncoder(out))
	}
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	switch role {
	case rolePrepare:
		return answer(job, out, func(j prepareJob) (struct{}, error) { return struct{}{}, prepare(ctx, j) })
	case roleEngine:
		return answer(job, out, func(j engineJob) (engineReport, error) { return runEngine(ctx, j) })
	case roleSender:
		return answer(job, out, func(j senderJob) (struct{}, error) { return runSender(ctx, j) })
	case roleViewers:
		return answer(job, out, func(j viewersJob) (viewersReport, error) { return lookOn(ctx, j) })
	case roleLoop:
		return answer(job, out, func(j loopJob) (loopReport, error) { return runLoop(ctx, j) })
	}
	return fmt.Errorf("no role is called %q", role)
}

func answer[J, A any](text string, out io.Writer, do func(J) (A, error)) error {
	var job J
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return err
	}
	a, err := do(job)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(a)
}

// child is a process that does a role's job: this program's "bench child".
type child struct {
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
}

func startChild(ctx context.Context, role string, job any) (*child, error) {
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "child", role, string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{role, cmd, in, json.NewDecoder(out)}, nil
}

// read reads the next answer.
func (c *child) read(answer any) error {
	if err := c.out.Decode(answer); err != nil {
		return fmt.Errorf("the answer of the %s process: %w", c.role, err)
	}
	return nil
}

// end closes the child's input, at which it ends, and waits for that.
func (c *child) end() error {
	err := errors.Join(c.in.Close(), c.cmd.Wait())
	if err != nil {
		return fmt.Errorf("the %s process: %w", c.role, err)
	}
	return nil
}

// ask starts a child for a job that has one answer.
func ask[A any](ctx context.Context, role string, job any) (A, error) {
	var a A
	c, err := startChild(ctx, role, job)
	if err != nil {
		return a, err
	}
	err = c.read(&a)
	return a, errors.Join(err, c.end())
}
