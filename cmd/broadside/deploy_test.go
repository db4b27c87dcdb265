package main

import (
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/nats-io/nats-server/v2/server"
)

// What deploy sets in the environment is a key of ours.
func TestDeployedEnvironment(t *testing.T) {
	var variables []string
	for _, variable := range configKeys(reflect.TypeFor[Config](), "", "BROADSIDE_") {
		variables = append(variables, variable)
	}
	root := os.DirFS("../../deploy")
	files, err := fs.ReadDir(root, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(root, file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`BROADSIDE_[A-Z_]+`).FindAllString(string(text), -1) {
			if !slices.Contains(variables, name) {
				t.Errorf("%s: %s is no variable", file.Name(), name)
			}
		}
	}
}

// The cluster's processes have every role between them.
func TestDeployedRoles(t *testing.T) {
	text, err := os.ReadFile("../../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Command []string
		}
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	var roles []string
	for name, service := range compose.Services {
		command := service.Command
		if len(command) == 0 || command[0] != "serve" {
			continue
		}
		cmd := serveCommand(&app{})
		if err := cmd.ParseFlags(command[1:]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		roles = append(roles, strings.Split(cmd.Flag("roles").Value.String(), ",")...)
	}
	want := strings.Split(serveCommand(&app{}).Flag("roles").DefValue, ",")
	slices.Sort(roles)
	slices.Sort(want)
	if !slices.Equal(roles, want) {
		t.Errorf("roles %q, want %q", roles, want)
	}
}

// The server of the version that we embed understands its configuration.
func TestDeployedQueue(t *testing.T) {
	opts, err := server.ProcessConfigFile("../../deploy/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	if !opts.JetStream || opts.StoreDir != "/data" || opts.Port != 4222 {
		t.Errorf("JetStream %v in %q, port %d", opts.JetStream, opts.StoreDir, opts.Port)
	}
}
