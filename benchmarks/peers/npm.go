package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// installed makes sure that npm packages are in the cache. Names may have versions:
// "nodemailer@10.6.0". Their install scripts, which compile optional parts, aren't run.
func installed(ctx context.Context, cache string, packages map[string]string) error {
	missing := []string{"install", "--prefix", cache, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"}
	have := len(missing)
	for name, version := range packages {
		if found, err := npmVersion(cache, name); err != nil || found != version {
			missing = append(missing, name+"@"+version)
		}
	}
	if len(missing) == have {
		return nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "npm", missing...).CombinedOutput(); err != nil {
		return fmt.Errorf("npm install: %w: %s", err, lastLines(string(out)))
	}
	return nil
}

func npmVersion(cache, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(cache, "node_modules", name, "package.json"))
	if err != nil {
		return "", err
	}
	var p struct{ Version string }
	return p.Version, json.Unmarshal(text, &p)
}
