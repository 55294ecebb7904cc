"""Data-parallel logistic regression: every rank has a share of the data, and all have the same weights.

examples/run.sh 4 python examples/numpy/logistic.py
"""

import argparse

import motet
import numpy as np


def share_of_data(rank: int, rows: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of this rank alone, labelled by a plane that the training has to find."""
    random = np.random.default_rng(rank)
    points = random.standard_normal((rows, features)).astype(np.float32)
    plane = np.linspace(-1, 1, features, dtype=np.float32)
    return points, (points @ plane > 0).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1000, help="of each rank")
    parser.add_argument("--features", type=int, default=50)
    options = parser.parse_args()

    with motet.Communicator.from_environment() as world:
        points, labels = share_of_data(world.rank, options.rows, options.features)
        weights = np.zeros(options.features, np.float32)
        world.broadcast(weights)  # all begin alike, whatever rank 0 begins with
        for step in range(options.steps):
            chances = 1 / (1 + np.exp(-points @ weights))
            gradient = points.T @ (chances - labels) / len(labels)
            world.allreduce(gradient, op="avg")
            weights -= 2.0 * gradient
            if step % 50 == 49:
                right = np.array(np.mean((chances > 0.5) == labels))
                world.allreduce(right, op="avg")
                if world.rank == 0:
                    print(f"step {step + 1}: {100 * right:.1f} % right", flush=True)

        everywhere = np.empty((world.size, options.features), np.float32)
        world.allgather(weights, everywhere)
        if world.rank == 0:
            alike = (everywhere == weights).all()
            print(f"weights are {'the same' if alike else 'NOT THE SAME'} on all {world.size} ranks")


if __name__ == "__main__":
    main()
