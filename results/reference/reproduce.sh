#!/usr/bin/env bash
# Runs four sweeps with 20 seeds, and the tutorial, and writes the tables and digests of this folder:
# 8 minutes of processor time. `git diff results/reference/digests.txt` is empty if the results are
# equal.
# Usage: results/reference/reproduce.sh [RESULTS]
set -euo pipefail
cd "$(dirname "$0")/../.."
results=${1:-target/reference}
export COLUMNS=100

"${CARGO:-cargo}" build -p runner -p report
for name in batch_sweep fair_batch_sweep epoch_sweep decay_sweep; do
  target/debug/runner "experiments/$name.toml" -r "$results" --set 'sweep.seed={ from = 0, to = 19 }'
done

# table FILE OPTION...: write the report with these options.
table() { target/debug/report -r "$results" "${@:2}" > "results/reference/$1"; }

for name in batch_sweep fair_batch_sweep epoch_sweep decay_sweep; do table $name.txt -e $name; done
table fair_batch_sweep.csv -e fair_batch_sweep --format csv

# Each batch size and each decay with the learning rate of its best validation accuracy, compared on
# the test set, which chose none of them.
table fair_batch_sweep-tuned.txt -e fair_batch_sweep --sort test_accuracy --where \
  '(batch_size=16 and learning_rate=0.05) or (batch_size=32 and learning_rate=0.1)
   or (batch_size=64 and learning_rate=0.2) or (batch_size=128 and learning_rate=0.2)
   or (batch_size=256 and learning_rate=0.5) or (batch_size=512 and learning_rate=0.5)'
table decay_sweep-tuned.txt -e decay_sweep --sort test_accuracy --where \
  '(decay=0 and learning_rate=0.3) or (decay=1e-4 and learning_rate=0.3)
   or (decay=1e-3 and learning_rate=1) or (decay=1e-2 and learning_rate=3)'
table decay_sweep-fixed.txt -e decay_sweep --where learning_rate=0.01
table epoch_sweep-fixed.txt -e epoch_sweep --where learning_rate=0.01

target/debug/runner experiments/tutorial.toml -r "$results"
cp "$results"/tutorial/{runs,epochs}.csv results/reference
table report.md -e tutorial --format markdown

target/debug/report -r "$results" digest --results > results/reference/digests.txt
