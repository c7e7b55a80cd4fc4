#!/bin/sh
# Fits a curve to noisy points of a sine by gradient descent, in awk.
# Usage: train.sh --degree N --rate R --seed S

while [ $# -gt 0 ]; do
    case $1 in
    --degree) degree=$2 ;;
    --rate) rate=$2 ;;
    --seed) seed=$2 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done

awk -v degree="$degree" -v rate="$rate" -v seed="$seed" '
    # A random number from -1 to 1 that is the same in every awk.
    function random() { state = (state * 16807) % 2147483647; return state / 1073741823.5 - 1 }
    # Legendre polynomials of x, up to the degree.
    function terms(x, n) {
        t[0] = 1; t[1] = x
        for (n = 1; n < degree; n++) t[n + 1] = ((2 * n + 1) * x * t[n] - n * t[n - 1]) / (n + 1)
    }
    function predict(x, n, y) { terms(x); for (n = 0; n <= degree; n++) y += w[n] * t[n]; return y }
    function error(first, last, i, sum) {
        for (i = first; i <= last; i++) sum += (y[i] - predict(x[i])) ^ 2
        return sqrt(sum / (last - first + 1))
    }
    BEGIN {
        state = 1000 + seed
        for (i = 0; i < 10; i++) random()
        for (i = 1; i <= 120; i++) { x[i] = random(); y[i] = sin(4 * x[i]) + 0.3 * random() }
        for (epoch = 1; epoch <= 20; epoch++) {
            for (i = 1; i <= 40; i++) {
                residual = y[i] - predict(x[i])
                for (n = 0; n <= degree; n++) w[n] += rate * residual * t[n]
            }
            printf "epoch %d: validation error %.5f\n", epoch, error(41, 80)
        }
        printf "test error %.5f\n", error(81, 120)
    }'
