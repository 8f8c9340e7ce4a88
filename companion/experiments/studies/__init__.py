"""One question a file, named as the function in it; most train as `PLAN` says."""

LR = 3e-3  # of Adam
PLAN = {"train_size": 1000, "hidden": (128, 128), "batch_size": 50, "lr": LR}
