"""Runs written to disk without training, for tests of pages that list them."""

from contextlib import closing

from workbench.recorder import open_database


def write_run(workspace, *, status, step=0, checkpoints=(), title="A run", sentence="", total=6000):
    """A run in `workspace` that stands as told; returns its id."""
    folder = workspace.create({"model": {"kind": "mlp"}}, title=title)
    state = {"status": status, "step": step, "total_steps": total, "sentence": sentence}
    folder.write_json("state.json", state)
    with closing(open_database(folder.database)) as connection, connection:
        for place in checkpoints:
            connection.execute(
                "INSERT INTO file VALUES (?, ?, 'resume', 'x', '{}')", (f"resume/{place}.pt", place)
            )
    workspace.refresh(folder)
    return folder.id
