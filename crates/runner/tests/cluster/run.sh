#!/usr/bin/env bash
# Runs experiments on a real Slurm with two nodes on this machine, and under GNU parallel. Nodes,
# tasks and merges fail on the way. The results must equal those of one local run.
#
# Usage: run.sh RUNNER REPORT, as root. Needs slurmctld, slurmd and munged, and skips the test
# without them. The last part needs GNU parallel.
set -euo pipefail
runner=$(realpath "${1:?run.sh RUNNER REPORT}")
report=$(realpath "${2:?run.sh RUNNER REPORT}")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
export SLURM_CONF=$work/slurm/slurm.conf

# Polls every 0.1 s, at most $1 times, until the command in the other arguments succeeds.
wait_for() { local polls=$1; shift; for _ in $(seq "$polls"); do "$@" && return; sleep 0.1; done; return 1; }
say() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; squeue -t all >&2 || true; tail -n 5 "$work"/*/shards/*/logs/* >&2 2> /dev/null || true; exit 1; }

for program in slurmctld slurmd munged; do
  if ! command -v $program > /dev/null || [ "$(id -u)" != 0 ]; then
    say "skipped: the cluster test needs $program and root"
    exit 0
  fi
done

nodes_are_idle() { [ "$(sinfo -h -o %D -t idle 2> /dev/null)" = 2 ]; }
start() {
  mkdir -p "$work/slurm/state" "$work/slurm/spool.n1" "$work/slurm/spool.n2"
  sed "s|@ROOT@|$work/slurm|g; s|@HOST@|$(hostname -s)|g" "$here/slurm.conf" > "$SLURM_CONF"
  echo 'NodeName=n1,n2 Name=gpu File=/dev/null' > "$work/slurm/gres.conf"
  install -d -o munge -g munge -m 755 /run/munge
  munge -n > /dev/null 2>&1 || runuser -u munge -- munged || true
  { slurmctld -c && slurmd -N n1 && slurmd -N n2; } || true
  wait_for 100 nodes_are_idle && return
  tail -n 5 "$work"/slurm/*.log || true
  say 'skipped: the nodes of Slurm do not start on this machine'
  exit 0
}
stop() {
  scancel --user=root 2> /dev/null || true
  for pid in "$work"/slurm/*.pid; do [ -s "$pid" ] && kill "$(cat "$pid")" 2> /dev/null; done
  sleep 0.5
  rm -rf "$work"
}
trap stop EXIT

queue_is_empty() { [ -z "$(squeue -h)" ]; }
wait_for_all_jobs() { wait_for 6000 queue_is_empty || fail 'some jobs did not end'; }
tasks_run() { [ "$(squeue -h -t running -r | wc -l)" -ge "$1" ]; }
wait_for_tasks() { wait_for 600 tasks_run "$1" || fail "fewer than $1 tasks run"; }
# Attempts that have recorded something in results folder $1.
count_attempts() { find "$work/$1/shards" -name tracking.db | wc -l; }
attempts_exist() { [ "$(count_attempts "$1")" -ge "$2" ]; }
digest() { "$report" -r "$work/$1" digest --results -e "$2"; }
# Compares the results of experiment $2 in the folders $1 and $3.
assert_equal_results() {
  local left right
  left=$(digest "$1" "$2") && right=$(digest "$3" "$2") || fail "no digest of $2 in $1 or $3"
  [ "$left" = "$right" ] || fail "the results of $2 in $1 and $3 differ"
}
# Prints the process id of task $1 of array $2.
task_pid() {
  # Processes may end while grep reads them. That is not an error.
  { grep -lz "^SLURM_ARRAY_TASK_ID=$1\$" /proc/[0-9]*/environ 2> /dev/null || true; } | cut -d/ -f3 | while read -r pid; do
    if grep -qz "^SLURM_ARRAY_JOB_ID=$2\$" "/proc/$pid/environ" 2> /dev/null && grep -q runner "/proc/$pid/comm"; then echo "$pid"; fi
  done | head -n 1
}
task_runs() { pid=$(task_pid "$@"); [ -n "$pid" ]; }
# The same, after the task has started.
wait_for_task_pid() { wait_for 200 task_runs "$@" || fail "task $1 did not start"; echo "$pid"; }
# Prints the array id in an output of submit.
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
{ sed 's/"sweep"/"race"/; /^seed/d' "$work/sweep.toml"; printf '[race]\nseeds = [3, 5, 8]\n'; } > "$work/race.toml"
for name in sweep long race; do "$runner" "$work/$name.toml" -r "$work/local-$name" -q; done

start
say 'an array of 8 shards on two nodes and its merge'
"$runner" submit "$work/sweep.toml" -r "$work/cluster" --shards 8 > "$work/submitted"
cat "$work/submitted"
wait_for_all_jobs
"$runner" status "$work/sweep.toml" -r "$work/cluster" || fail 'some trials are not done'
[ "$(count_attempts cluster)" = 8 ] || fail 'the array did not make 8 attempts'
assert_equal_results cluster sweep local-sweep
"$runner" submit "$work/sweep.toml" -r "$work/cluster" 2>&1 | grep -q 'nothing to submit' || fail 'a second submission submits jobs'

say 'a race: the same command submits one look after another'
looks=0
submit_look() { "$runner" submit "$work/race.toml" -r "$work/race" --shards 4 2>&1 | tee "$work/submitted"; }
while ! submit_look | grep -q 'nothing to submit'; do
  grep -q "trials of look $((++looks)) of 3 of race" "$work/submitted" || fail "$(cat "$work/submitted")"
  wait_for_all_jobs
done
say "$looks looks"
[ "$looks" -gt 1 ] || fail 'the race ended at its first look'
"$runner" status "$work/race.toml" -r "$work/race" > /dev/null || fail 'the race is not over'
assert_equal_results race race local-race

say 'a lost node, a requeued task, a killed task, a task at its time limit, a cancelled merge'
"$runner" submit "$work/long.toml" -r "$work/losses" --shards 8 --requeue 1 > "$work/submitted"
cat "$work/submitted"
array=$(array_of "$work/submitted")
wait_for_tasks 4
wait_for 100 attempts_exist losses 4 || fail 'the tasks record nothing'
scontrol update nodename=n2 state=down reason=test
scontrol requeue "${array}_0"
kill -9 "$(wait_for_task_pid 1 "$array")"
sleep 1
scontrol update nodename=n2 state=resume 2> /dev/null || true # fails if the node is up already
scancel --name=long-merge
pid=$(wait_for_task_pid 5 "$array")
sleep 0.3
kill -USR1 "$pid"
wait_for_all_jobs
"$runner" status "$work/long.toml" -r "$work/losses" && fail 'no trial was lost'
ls -d "$work"/losses/shards/long/5-of-8/*-1 > /dev/null || fail 'task 5 has no second attempt'
[ ! -e "$work/losses/long/runs.csv" ] || fail 'the cancelled merge ran'
suggested=$("$runner" status "$work/long.toml" -r "$work/losses" | tail -n 1) || true
say "the command that it suggests: $suggested"
sh -c "$suggested"
wait_for_all_jobs
"$runner" status "$work/long.toml" -r "$work/losses" > /dev/null || fail 'some trials are not done after the suggested command'
assert_equal_results losses long local-long

say 'a merge lists the missing trials and suggests a command'
"$runner" submit "$work/long.toml" -r "$work/short" --shards 4 > "$work/submitted"
array=$(array_of "$work/submitted")
kill -9 "$(wait_for_task_pid 0 "$array")"
wait_for_all_jobs
log=$(ls "$work"/short/shards/long/logs/*_merge.log)
grep -q 'of 63 trials of long are missing' "$log" || fail "$(cat "$log")"
suggested=$(tail -n 1 "$log")
say "the command that it suggests: $suggested"
sh -c "$suggested"
wait_for_all_jobs
assert_equal_results short long local-long

say 'a program: a requeued task resumes from the checkpoints of the task before it'
cat > "$work/program.toml" << 'end'
name = "program"
[program]
command = ["sh", "train.sh", "{seed}"]
files = ["train.sh"]
[sweep]
seed = { from = 0, to = 3 }
end
cat > "$work/train.sh" << 'end'
cd "$SWEEP_CHECKPOINT_DIR" || exit
epoch=0; [ -e epoch ] && read -r epoch < epoch
echo "$epoch" >> "$OLDPWD/starts"
while [ "$epoch" -lt 30 ]; do
  sleep 0.1; epoch=$((epoch + 1))
  echo "{\"epoch\": $epoch, \"val_loss\": $((90 - epoch)).$1}"
  echo "$epoch" > next; mv next epoch
done
end
"$runner" "$work/program.toml" -r "$work/local-program" -q -j 4
"$runner" submit "$work/program.toml" -r "$work/programs" --shards 2 > "$work/submitted"
cat "$work/submitted"
array=$(array_of "$work/submitted")
checkpoint_exists() { find "$work/programs/shards" -path "*/0-of-2/*/checkpoint/epoch" | grep -q .; }
wait_for 600 checkpoint_exists || fail 'no program saves a checkpoint'
sleep 1
scontrol requeue "${array}_0"
wait_for_all_jobs
"$runner" status "$work/program.toml" -r "$work/programs" || fail 'some trials are not done'
assert_equal_results programs program local-program
grep -qv '^0$' "$work/starts" || fail 'no program resumed from a checkpoint'

say '1,000 trials in 16 shards: on the cluster, as tasks, and as shards by hand'
"$runner" submit "$work/many.toml" -r "$work/many" --shards 16 > "$work/submitted"
wait_for_all_jobs
# Tasks of an array, which share a results folder.
attempts() {
  seq 0 15 | xargs -P 4 -I{} env SLURM_ARRAY_TASK_ID={} "$runner" "$work/many.toml" --shard auto/16 -r "$work/tasks" -q -j 1
  "$runner" merge --attempts "$work/many.toml" -r "$work/tasks" > /dev/null
}
# Shards with a results folder each.
shards_by_hand() {
  seq 0 15 | xargs -P 4 -I{} "$runner" "$work/many.toml" --shard '{}/16' -r "$work/hand-{}" -q -j 1
  "$runner" merge "$work"/hand-* -r "$work/hand" > /dev/null
}
# Both ways must take equal processor time, within 10 %. Other programs on the machine disturb it
# less than wall time. The rounds alternate which way runs first, and stop when the best times of
# both ways are close.
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
say "tasks, wall and processor seconds: $(printf '%s; ' "${tasks[@]}")"
say "shards by hand: $(printf '%s; ' "${hand[@]}")"
assert_equal_results many many hand
assert_equal_results tasks many hand
say "best processor time of tasks / of shards by hand: $ratio"
awk "BEGIN { exit !($ratio < 1.1) }" || fail "tasks take $ratio times the processor time of shards by hand"

if command -v parallel > /dev/null; then
  say 'GNU parallel with a job log is killed and resumed'
  shards() { seq 8 | parallel --joblog "$work/joblog" "$@" -j 2 "$runner $work/long.toml --shard auto/8 -r $work/parallel -q -j 1 # {}"; }
  shards & pid=$!
  sleep 3
  kill -TERM $pid; pkill -9 -f -- "--shard auto/8 -r $work/parallel" || true
  wait $pid 2> /dev/null || true
  shards --resume-failed
  "$runner" merge --attempts "$work/long.toml" -r "$work/parallel" | tail -n 1
  assert_equal_results parallel long local-long
else
  say 'skipped: GNU parallel is not installed'
fi
say 'passed'
