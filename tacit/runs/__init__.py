"""Run folders: what a run was, what it measured, where it can go on, and what it leaves behind."""
