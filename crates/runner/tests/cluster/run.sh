#!/usr/bin/env bash
# An experiment on a real Slurm (two nodes on this machine) and under GNU parallel, with what goes wrong on clusters: the results must be
# those of one local run. run.sh RUNNER REPORT. Needs slurmctld, slurmd, munge and, for its part, parallel; as root. Skipped, with a word, without.
set -euo pipefail
runner=$(realpath "${1:?run.sh RUNNER REPORT}")
report=$(realpath "${2:?run.sh RUNNER REPORT}")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
export SLURM_CONF=$work/slurm/slurm.conf

say() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; squeue -t all >&2 || true; tail -n 5 "$work"/*/shards/*/logs/* >&2 2> /dev/null || true; exit 1; }

for program in slurmctld slurmd munged; do
  if ! command -v $program > /dev/null || [ "$(id -u)" != 0 ]; then
    say "skipped: the cluster test needs $program, and root"
    exit 0
  fi
done

start() {
  mkdir -p "$work/slurm/state" "$work/slurm/spool.n1" "$work/slurm/spool.n2"
  sed "s|@ROOT@|$work/slurm|g; s|@HOST@|$(hostname -s)|g" "$here/slurm.conf" > "$SLURM_CONF"
  echo 'NodeName=n1,n2 Name=gpu File=/dev/null' > "$work/slurm/gres.conf"
  install -d -o munge -g munge -m 755 /run/munge
  munge -n > /dev/null 2>&1 || runuser -u munge -- munged || true
  { slurmctld -c && slurmd -N n1 && slurmd -N n2; } || true
  for _ in $(seq 100); do [ "$(sinfo -h -o %D -t idle 2> /dev/null)" = 2 ] && return; sleep 0.1; done
  tail -n 5 "$work"/slurm/*.log || true
  say 'skipped: Slurm is installed, but its nodes do not come up here'
  exit 0
}
stop() {
  scancel --user=root 2> /dev/null || true
  for pid in "$work"/slurm/*.pid; do [ -s "$pid" ] && kill "$(cat "$pid")" 2> /dev/null; done
  sleep 0.5
  rm -rf "$work"
}
trap stop EXIT

# Waits until nothing is queued or running.
drained() { for _ in $(seq 3000); do [ -z "$(squeue -h)" ] && return; sleep 0.2; done; fail 'jobs are left'; }
# Waits until so many tasks run.
running() { for _ in $(seq 600); do [ "$(squeue -h -t running -r | wc -l)" -ge "$1" ] && return; sleep 0.1; done; fail "no $1 tasks run"; }
# Compares the results of experiment $2 in the folders $1 and $3.
digest() { "$report" -r "$work/$1" digest --results -e "$2"; }
same() {
  local left right
  left=$(digest "$1" "$2") && right=$(digest "$3" "$2") || fail "no digest of $2 in $1 or $3"
  [ "$left" = "$right" ] || fail "the results of $2 in $1 and $3 differ"
}
# The process of task $1 of array $2.
task() {
  # A process that goes meanwhile is no error.
  { grep -lz "^SLURM_ARRAY_TASK_ID=$1\$" /proc/[0-9]*/environ 2> /dev/null || true; } | cut -d/ -f3 | while read -r pid; do
    if grep -qz "^SLURM_ARRAY_JOB_ID=$2\$" "/proc/$pid/environ" 2> /dev/null && grep -q runner "/proc/$pid/comm"; then echo "$pid"; fi
  done | head -n 1
}
# The same, once it is there.
task_in_time() { for _ in $(seq 200); do pid=$(task "$1" "$2"); [ -n "$pid" ] && echo "$pid" && return; sleep 0.1; done; fail "task $1 never ran"; }
array_of() { sed -n 's/^array \([0-9]*\):.*/\1/p' "$1"; }

cat > "$work/sweep.toml" << 'end'
name = "sweep"
[data]
dataset = "digits"
[train]
epochs = 5
[sweep]
batch_size = [16, 32, 64, 100, 128, 256, 512]
decay = [0.0, 1e-4, 1e-3]
seed = { from = 0, to = 2 }
end
sed 's/"sweep"/"long"/; s/epochs = 5/epochs = 2500/' "$work/sweep.toml" > "$work/long.toml"
cat > "$work/many.toml" << 'end'
name = "many"
[data]
dataset = "digits"
[train]
epochs = 40
[sweep]
batch_size = [16, 32, 64, 100]
learning_rate = { from = 0.001, to = 0.1, count = 25, scale = "log" }
seed = { from = 0, to = 9 }
end
for name in sweep long; do "$runner" "$work/$name.toml" -r "$work/local-$name" -q; done

start
say 'an array of 8 shards on two nodes, and its merge'
"$runner" submit "$work/sweep.toml" -r "$work/cluster" --shards 8 > "$work/submitted"
cat "$work/submitted"
drained
"$runner" status "$work/sweep.toml" -r "$work/cluster" || fail 'not all is done'
[ "$(find "$work/cluster/shards" -name tracking.db | wc -l)" = 8 ] || fail 'not 8 attempts'
same cluster sweep local-sweep
"$runner" submit "$work/sweep.toml" -r "$work/cluster" 2>&1 | grep -q 'nothing to submit' || fail 'a second submission'

say 'a lost node, a requeued task, a killed one, one whose time is up, a cancelled merge'
"$runner" submit "$work/long.toml" -r "$work/losses" --shards 8 --requeue 1 > "$work/submitted"
cat "$work/submitted"
array=$(array_of "$work/submitted")
running 4
sleep 0.5
scontrol update nodename=n2 state=down reason=test
scontrol requeue "${array}_0"
kill -9 "$(task_in_time 1 "$array")"
sleep 1
scontrol update nodename=n2 state=resume 2> /dev/null || true # unless it came back by itself
scancel --name=long-merge
pid=$(task_in_time 5 "$array")
sleep 0.3
kill -USR1 "$pid"
drained
"$runner" status "$work/long.toml" -r "$work/losses" && fail 'nothing was lost'
ls -d "$work"/losses/shards/long/5-of-8/*-1 > /dev/null || fail 'task 5 was not started again'
[ ! -e "$work/losses/long/runs.csv" ] || fail 'the cancelled merge has run'
again=$("$runner" status "$work/long.toml" -r "$work/losses" | tail -n 1) || true
say "again, as it says: $again"
sh -c "$again"
drained
"$runner" status "$work/long.toml" -r "$work/losses" > /dev/null || fail 'not all is done after that'
same losses long local-long

say 'a merge that finds trials missing says which, and how to run them'
"$runner" submit "$work/long.toml" -r "$work/short" --shards 4 > "$work/submitted"
array=$(array_of "$work/submitted")
kill -9 "$(task_in_time 0 "$array")"
drained
log=$(ls "$work"/short/shards/long/logs/*_merge.log)
grep -q 'of 63 trials of long are missing' "$log" || fail "$(cat "$log")"
again=$(tail -n 1 "$log")
say "again, as it says: $again"
sh -c "$again"
drained
same short long local-long

say '1,000 trials in 16 shards, on the cluster, and beside it the same shards by hand, as many at a time'
"$runner" submit "$work/many.toml" -r "$work/many" --shards 16 > "$work/submitted"
drained
# As tasks of the array, and as shards with a folder each that somebody names.
attempts() {
  seq 0 15 | xargs -P 4 -I{} env SLURM_ARRAY_TASK_ID={} "$runner" "$work/many.toml" --shard auto/16 -r "$work/tasks" -q -j 1
  "$runner" merge --attempts "$work/many.toml" -r "$work/tasks" > /dev/null
}
shards_by_hand() {
  seq 0 15 | xargs -P 4 -I{} "$runner" "$work/many.toml" --shard '{}/16' -r "$work/hand-{}" -q -j 1
  "$runner" merge "$work"/hand-* -r "$work/hand" > /dev/null
}
# Wall time is told; held to is processor time, of which other programs take nothing but what slows the processor: so each goes
# first in turn, and the best of either counts, of as many as it takes until the machine was quiet for both.
measured() { TIMEFORMAT='%R %U %S'; { time "$1" 2> /dev/null; } 2>&1 | awk '{ print $1, $2 + $3 }'; }
best() { printf '%s\n' "$@" | awk '{ print $2 }' | sort -n | head -n 1; }
tasks=() hand=()
for round in 1 2 3 4 5 6; do
  rm -rf "$work/tasks" "$work/hand" "$work"/hand-*
  if ((round % 2)); then tasks+=("$(measured attempts)"); fi
  hand+=("$(measured shards_by_hand)")
  if ((round % 2 == 0)); then tasks+=("$(measured attempts)"); fi
  ratio=$(awk "BEGIN { printf \"%.3f\", $(best "${tasks[@]}") / $(best "${hand[@]}") }")
  if ((round > 1)) && awk "BEGIN { exit !($ratio < 1.1) }"; then break; fi
done
say "as tasks, s and s of processors: $(printf '%s; ' "${tasks[@]}")"
say "by hand: $(printf '%s; ' "${hand[@]}")"
same many many hand
same tasks many hand
say "the best of the one to the best of the other, of processor time: $ratio"
awk "BEGIN { exit !($ratio < 1.1) }" || fail "tasks take $ratio times as much as shards by hand"

if command -v parallel > /dev/null; then
  say 'GNU parallel with a job log, killed and resumed'
  shards() { seq 8 | parallel --joblog "$work/joblog" "$@" -j 2 "$runner $work/long.toml --shard auto/8 -r $work/parallel -q -j 1 # {}"; }
  shards & pid=$!
  sleep 3
  kill -TERM $pid; pkill -9 -f -- "--shard auto/8 -r $work/parallel" || true
  wait $pid 2> /dev/null || true
  shards --resume-failed
  "$runner" merge --attempts "$work/long.toml" -r "$work/parallel" | tail -n 1
  same parallel long local-long
else
  say 'skipped: GNU parallel is not installed'
fi
say 'all as it should be'
