import json

import click


@click.command()
@click.argument("data")
@click.argument("more", nargs=-1)
@click.option("--lr", default=0.001, show_default=True, help="Peak rate.")
@click.option("--steps", type=click.IntRange(1, 500), default=10, show_default=True, help="How many, which is told in a sentence so long that click breaks it into two lines.")
@click.option("--optim", type=click.Choice(["adam", "sgd"]), default="adam", show_default=True)
@click.option("--shuffle/--no-shuffle", default=True, show_default=True, help="Mix the rows.")
@click.option("--fast", "-f", is_flag=True, help="Cut corners.")
@click.option("--name", required=True, help="Of the run.")
@click.option("--size", type=(int, int), default=(2, 3), show_default=True)
def train(**options):
    """Trains a model."""
    print(json.dumps(options))
