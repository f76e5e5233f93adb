"""Tables and their migration: dialects found by name, templates and scripts beside the modules."""

REQUIREMENTS = ["sqlalchemy==2.0.41", "alembic==1.16.4"]
EVENTS = [{"dialect": "postgresql"}, {"dialect": "mysql"}, {"dialect": "sqlite"}]

import alembic.autogenerate
import alembic.migration
import alembic.operations
import sqlalchemy
from sqlalchemy.dialects import registry
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Place(Base):
    __tablename__ = "places"
    name: Mapped[str] = mapped_column(primary_key=True)


def handler(event, context):
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.begin() as connection:
        migration = alembic.migration.MigrationContext.configure(connection)
        missing = [change[0] for change in alembic.autogenerate.compare_metadata(migration, Base.metadata)]
        alembic.operations.Operations(migration).create_table("places", sqlalchemy.Column("name", sqlalchemy.String))
    with Session(engine) as session:
        session.add(Place(name="Bern"))
        session.commit()
        names = session.scalars(sqlalchemy.select(Place.name)).all()
    dialect = registry.load(event["dialect"])()
    return [missing, names, str(sqlalchemy.select(Place).limit(3).compile(dialect=dialect))]
