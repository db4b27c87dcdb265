package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// The plugin takes mail from anyone on loopback, and says that the sink is every
// domain's mail server.
const harakaPlugin = `'use strict';
exports.hook_connect = function (next, connection) {
  connection.relaying = true;
  next();
};
exports.hook_rcpt = function (next) {
  next(OK);
};
exports.hook_get_mx = function (next) {
  next(OK, { priority: 0, exchange: '%s', port: %s });
};
`

// StartHaraka runs Haraka with a worker for each processor, as its performance page
// advises. It signs with haraka-plugin-dkim and queues on disk, as it does by default.
func StartHaraka(ctx context.Context, j Job) (*Relay, error) {
	err := installed(ctx, j.Cache, map[string]string{"Haraka": HarakaVersion, "haraka-plugin-dkim": harakaDKIM})
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	host, sinkPort, err := net.SplitHostPort(j.Sink)
	if err != nil {
		return nil, err
	}
	connection, err := os.ReadFile(filepath.Join(j.Cache, "node_modules", "Haraka", "config", "connection.ini"))
	if err != nil {
		return nil, err
	}
	workers := min(runtime.NumCPU(), j.Connections)
	err = write(j.Dir, map[string]string{
		"config/me":             "mta." + j.Domain + "\n",
		"config/smtp.ini":       fmt.Sprintf("listen=127.0.0.1:%s\nnodes=%d\n", port, workers),
		"config/log.ini":        "[main]\nlevel=warn\n",
		"config/plugins":        "bench\ndkim\n",
		"config/connection.ini": string(connection), // it doesn't start without
		"config/outbound.ini":   fmt.Sprintf("concurrency_max=%d\nenable_tls=false\nlocal_mx_ok=true\n", j.Connections/workers),
		"config/dkim.ini": fmt.Sprintf(`[sign]
enabled = true
selector = %s
domain = %s
headers = From, Sender, Reply-To, Subject, Date, Message-ID, To, Cc, MIME-Version, Content-Type, Content-Transfer-Encoding, List-Unsubscribe, List-Unsubscribe-Post
[canon]
body = relaxed
[verify]
enabled = false
`, j.Selector, j.Domain),
		"config/dkim.private.key": string(j.Key),
		"plugins/bench.js":        fmt.Sprintf(harakaPlugin, host, sinkPort),
		"package.json":            "{}\n",
		"queue/.keep":             "",
	})
	if err != nil {
		return nil, err
	}
	p, err := start(j.Dir, "node", filepath.Join(j.Cache, "node_modules", "Haraka", "bin", "haraka"), "-c", j.Dir)
	if err != nil {
		return nil, err
	}
	r := &Relay{Addr: "127.0.0.1:" + port, parts: []*process{p}}
	if err := p.listens(ctx, r.Addr); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}
