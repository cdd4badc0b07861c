"""SQLAlchemy's ORM, a session a request"""

from serve import serve
from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Integer, Numeric, Text, create_engine, select
from sqlalchemy.orm import Session, declarative_base, relationship, selectinload

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(Text)
    email = Column(Text)
    age = Column(Integer)
    created_at = Column(DateTime(timezone=True))
    profile = relationship("Profile", uselist=False)
    posts = relationship("Post")


class Profile(Base):
    __tablename__ = "profiles"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    bio = Column(Text)
    city = Column(Text)


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    title = Column(Text)
    body = Column(Text)
    published = Column(Boolean)
    created_at = Column(DateTime(timezone=True))
    comments = relationship("Comment")


class Comment(Base):
    __tablename__ = "comments"
    id = Column(Integer, primary_key=True)
    post_id = Column(ForeignKey("posts.id"))
    author = Column(Text)
    body = Column(Text)
    score = Column(Numeric)
    created_at = Column(DateTime(timezone=True))


engine = create_engine("postgresql+psycopg2://", pool_size=1, max_overflow=0, future=True)


def one(id):
    with Session(engine) as session:
        return session.get(User, id, options=[selectinload(User.profile)])


def page(after):
    with Session(engine) as session:
        return session.scalars(
            select(User).where(User.id > after).order_by(User.id).limit(50)
            .options(selectinload(User.profile), selectinload(User.posts).selectinload(Post.comments))).all()


def all(last):
    with Session(engine) as session:
        return session.scalars(
            select(User).where(User.id <= last).order_by(User.id).options(selectinload(User.profile))).all()


serve({"one": one, "page": page, "all": all})
