"""Language models as players: a client of chat endpoints, games as text, and a table where they meet other players."""
